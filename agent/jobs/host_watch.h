// The host while no job works on it.
#ifndef TRIDENT_AGENT_JOBS_HOST_WATCH_H_
#define TRIDENT_AGENT_JOBS_HOST_WATCH_H_

#include "agent/jobs/ledger.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Puts what has changed by itself (Servicer::Watch) into the status, and tells it to watchers and
// to the log. What could not be stored is looked at again the next time.
void LookAtHost(Servicer& servicer, Ledger& ledger);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_HOST_WATCH_H_
