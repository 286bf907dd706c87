// Options of bonds and bridges in the words of netplan.
#ifndef TRIDENT_COMMON_KICKSTART_DEVICE_PARAMETERS_H_
#define TRIDENT_COMMON_KICKSTART_DEVICE_PARAMETERS_H_

#include "common/base/yaml_value.h"
#include "common/kickstart/model.h"
#include "common/kickstart/problem.h"

namespace trident::kickstart {

// The mapping `parameters` of a bond, from the options of the Linux driver (names or numbers, see
// Documentation/networking/bonding.rst of the kernel). Every pair that netplan has no word for is
// a TranslationError at the device's line.
YamlValue BondParameters(const NetworkDevice& bond, ProblemList& problems);

// The same for a bridge.
YamlValue BridgeParameters(const NetworkDevice& bridge, ProblemList& problems);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_DEVICE_PARAMETERS_H_
