// What of `osconfig` and `scripts` makes a plan impossible here.
#ifndef TRIDENT_AGENT_SERVICING_OS_REFUSALS_H_
#define TRIDENT_AGENT_SERVICING_OS_REFUSALS_H_

#include "agent/servicing/observation.h"
#include "agent/servicing/refusals.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

// Passwords without the agent's leave; scripts of this servicing and, when it configures the
// operating system, files that cannot be read on this host.
void RefuseOs(const HostConfiguration& desired, ServicingKind kind, bool configures_os,
              const Observation& observed, Refusals& refusals);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_OS_REFUSALS_H_
