// Who may log in over SSH, and how.
#ifndef TRIDENT_AGENT_OSCONFIG_SSH_ACCESS_H_
#define TRIDENT_AGENT_OSCONFIG_SSH_ACCESS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "agent/osconfig/target_system.h"
#include "common/config/host_configuration.h"

namespace trident {

inline constexpr char kSshdConfig[] = "/etc/ssh/sshd_config";
inline constexpr char kSshdUserRules[] = "/etc/ssh/sshd_config.d/global_user.conf";

// The rules for sshd: no passwords, only the listed users that are not blocked; for root
// PermitRootLogin when it is listed. Pure.
std::string MakeSshdUserRules(const std::vector<User>& users);

// `text` of sshd_config with our rules first: sshd takes the first value that it finds. Pure; twice
// is the same as once.
std::string IncludeSshdUserRules(std::string_view text);

// Writes the rules and has sshd read them first; a running sshd checks them, then takes them.
// Without users in the document nothing is done, but rules that an earlier document made
// (`had_users`) go. FAILED_PRECONDITION when a user may log in and the system has no SSH server.
absl::Status ConfigureSshAccess(TargetSystem& system, const std::vector<User>& users,
                                bool had_users);

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_SSH_ACCESS_H_
