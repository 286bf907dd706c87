// The order of an installation, of an A/B update and of a live update: each one function whose text
// is the order.
#ifndef TRIDENT_AGENT_SERVICING_ORDERS_H_
#define TRIDENT_AGENT_SERVICING_ORDERS_H_

#include <string>
#include <vector>

#include "agent/servicing/change.h"
#include "agent/servicing/observation.h"
#include "agent/servicing/plan.h"
#include "agent/servicing/rebuild.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

// `old_arrays`: kernel devices of arrays that are in the way.
std::vector<Step> InstallOrder(const HostConfiguration& desired, const Observation& observed,
                               const std::vector<std::string>& old_arrays);
std::vector<Step> AbUpdateOrder(const HostConfiguration& desired, const HostConfiguration& recorded,
                                Volume target, const Observation& observed);
// Also of `update-and-reboot`, which changes the `active` volume and boots it again.
std::vector<Step> LiveUpdateOrder(const HostConfiguration& desired,
                                  const HostConfiguration& recorded, const Change& change,
                                  Volume active, const Rebuild& rebuild,
                                  const Observation& observed);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_ORDERS_H_
