// Services: which units start at a boot, and those of the running system at once.
#ifndef TRIDENT_AGENT_OSCONFIG_SERVICES_H_
#define TRIDENT_AGENT_OSCONFIG_SERVICES_H_

#include "absl/status/status.h"
#include "agent/osconfig/target_system.h"
#include "common/config/host_configuration.h"

namespace trident {

// Enables and disables the units. Of the running system only those that the earlier document does
// not have are touched, and they are started and stopped, too: a unit that somebody stopped for
// other reasons is not started by another change. Errors name the unit.
absl::Status ConfigureServices(TargetSystem& system, const Services& services,
                               const Services& earlier);

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_SERVICES_H_
