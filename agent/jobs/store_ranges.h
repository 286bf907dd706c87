// Whether the agents of both volumes can work on the store.
#ifndef TRIDENT_AGENT_JOBS_STORE_RANGES_H_
#define TRIDENT_AGENT_JOBS_STORE_RANGES_H_

#include "absl/status/status.h"
#include "agent/datastore/datastore.h"
#include "agent/jobs/job.h"

namespace trident {

// OK when the target's agent (if its range is recorded) can read the store and this agent can read
// what that one writes. FAILED_PRECONDITION, subkind "store-range".
absl::Status CheckStoreRanges(const Job& job, const Datastore& store);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_STORE_RANGES_H_
