#include "agent/servicing/os_change.h"

#include <vector>

namespace trident {
namespace {

// With the keys left out: a new key needs no service to notice it.
std::vector<User> WithoutKeys(std::vector<User> users) {
  for (User& user : users) user.ssh_keys.clear();
  return users;
}

}  // namespace

ServicingKind KindOfOsChange(const OsConfig& desired, const OsConfig& recorded) {
  if (desired == recorded) return ServicingKind::kNone;
  if (desired.kernel_command_line != recorded.kernel_command_line ||
      desired.modules != recorded.modules || desired.selinux != recorded.selinux) {
    return ServicingKind::kUpdateAndReboot;
  }
  if (WithoutKeys(desired.users) != WithoutKeys(recorded.users) ||
      desired.hostname != recorded.hostname || desired.services != recorded.services) {
    return ServicingKind::kNormalUpdate;
  }
  return ServicingKind::kHotPatch;
}

}  // namespace trident
