// The rules that a Host Configuration must keep beyond the form of each field. Private to common/.
//
// Static rules only: nothing is looked up on a host.
#ifndef TRIDENT_COMMON_CONFIG_VALIDATION_H_
#define TRIDENT_COMMON_CONFIG_VALIDATION_H_

#include <string>

#include "common/config/finding_list.h"
#include "common/config/host_configuration.h"

namespace trident {

// Adds all findings. `prefix` is the place of the configuration in the document: "" or
// "hostConfiguration.".
void ValidateHostConfiguration(const HostConfiguration& configuration, const std::string& prefix,
                               FindingList& findings);

// The part of it for `storage`, which stands at `path`.
void ValidateStorage(const Storage& storage, const std::string& path, FindingList& findings);

// The part of it for `osconfig`, which stands at `path`.
void ValidateOsConfig(const OsConfig& osconfig, const std::string& path, FindingList& findings);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_VALIDATION_H_
