// The network of a kickstart as netplan documents.
#ifndef TRIDENT_COMMON_KICKSTART_NETPLAN_H_
#define TRIDENT_COMMON_KICKSTART_NETPLAN_H_

#include <vector>

#include "common/base/yaml_value.h"
#include "common/kickstart/model.h"
#include "common/kickstart/problem.h"

namespace trident::kickstart {

struct NetplanDocuments {
  YamlValue all;        // of the installed system
  YamlValue activated;  // of the provisioning OS: what is activated, and what that stands on
};

// Both with `version: 2`, with or without devices. What has no equal is a TranslationError.
NetplanDocuments TranslateNetwork(const std::vector<NetworkDevice>& devices, ProblemList& problems);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_NETPLAN_H_
