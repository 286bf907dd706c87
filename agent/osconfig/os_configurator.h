// All of osconfig, in its order.
#ifndef TRIDENT_AGENT_OSCONFIG_OS_CONFIGURATOR_H_
#define TRIDENT_AGENT_OSCONFIG_OS_CONFIGURATOR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/osconfig/accounts.h"
#include "agent/osconfig/target_system.h"
#include "common/config/host_configuration.h"

namespace trident {

// What the host was before.
struct EarlierOs {
  // Of the document that it was brought to last; at an installation empty.
  OsConfig configuration;
  // Of the running system that an A/B update replaces.
  std::vector<Account> accounts;
  std::vector<Group> groups;
};

// Brings the system to what the document says, except for the options of the kernel, which the boot
// loader has. Twice is the same as once.
absl::Status ConfigureOs(TargetSystem& system, const OsConfig& desired, const EarlierOs& earlier);

// The accounts of the running system.
absl::StatusOr<EarlierOs> ReadRunningAccounts(const Files& files);

// What an earlier document set up and the desired one does not have.
struct Drift {
  std::vector<std::string> users;
  std::vector<std::string> files;
};

// `known`: what was left over before. Pure.
Drift FindDrift(const OsConfig& desired, const OsConfig& earlier, const Drift& known);

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_OS_CONFIGURATOR_H_
