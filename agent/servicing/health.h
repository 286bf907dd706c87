// The minimum rule of commit: what a new system must have reached to be accepted.
#ifndef TRIDENT_AGENT_SERVICING_HEALTH_H_
#define TRIDENT_AGENT_SERVICING_HEALTH_H_

#include <chrono>

#include "absl/status/status.h"
#include "agent/host/cancellation.h"
#include "agent/host/host.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"
#include "common/status/host_status.h"

namespace trident {

// The system reached multi-user.target within `limit`, and everything that the document mounts on
// `volume` is mounted from the right device. Kind "health"; all that is missing is told.
absl::Status CheckSystemHealth(const Host& host, const HostConfiguration& configuration,
                               const HostStatus& status, Volume volume, std::chrono::seconds limit,
                               const Cancellation& cancellation);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_HEALTH_H_
