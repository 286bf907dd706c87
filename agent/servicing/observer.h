// Looks at the machine for the planner. Changes nothing.
#ifndef TRIDENT_AGENT_SERVICING_OBSERVER_H_
#define TRIDENT_AGENT_SERVICING_OBSERVER_H_

#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"
#include "agent/host/host.h"
#include "agent/imaging/image_probe.h"
#include "agent/servicing/observation.h"
#include "agent/servicing/servicer.h"
#include "common/config/host_configuration.h"

namespace trident {

// What cannot be observed is an error in its place of the Observation, so that the planner can tell
// everything at once. The call itself fails when it is cancelled, or when the look for an
// installation leaves something behind.
absl::StatusOr<Observation> ObserveMachine(const Host& host, ImageProber& prober,
                                           const HostConfiguration& desired,
                                           const Recorded& recorded,
                                           const Cancellation& cancellation);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_OBSERVER_H_
