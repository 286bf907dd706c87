// The rules of a netplan mapping (`network`, `networkProvision`, `networkOverride`) that hold
// whatever version of netplan will read it. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_NETWORK_VALIDATION_H_
#define TRIDENT_COMMON_CONFIG_NETWORK_VALIDATION_H_

#include <string>

#include "common/base/yaml_value.h"
#include "common/config/finding_list.h"

namespace trident {

// Adds a finding for everything that no netplan would take: unknown families and renderers, names
// that no interface can have, addresses that are none, references to interfaces that the mapping
// does not define. What else a family may say is netplan's to judge, by its own version.
void ValidateNetwork(const YamlValue& network, const std::string& path, FindingList& findings);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_NETWORK_VALIDATION_H_
