#include "agent/osconfig/os_configurator.h"

#include <algorithm>
#include <set>

#include "agent/osconfig/services.h"
#include "agent/osconfig/settings.h"
#include "agent/osconfig/ssh_access.h"
#include "agent/osconfig/users.h"
#include "common/base/error.h"

namespace trident {
namespace {

absl::StatusOr<std::string> ReadIfThere(const Files& files, const std::string& path) {
  absl::StatusOr<std::string> text = files.Read(path);
  if (absl::IsNotFound(text.status())) return std::string();
  return text;
}

}  // namespace

absl::Status ConfigureOs(TargetSystem& system, const OsConfig& desired, const EarlierOs& earlier) {
  TRIDENT_RETURN_IF_ERROR(ConfigureUsers(
      system, desired.users, {earlier.configuration.users, earlier.accounts, earlier.groups}));
  TRIDENT_RETURN_IF_ERROR(
      ConfigureSshAccess(system, desired.users, !earlier.configuration.users.empty()));
  if (desired.hostname) TRIDENT_RETURN_IF_ERROR(SetHostname(system, *desired.hostname));
  if (desired.timezone) TRIDENT_RETURN_IF_ERROR(SetTimezone(system, *desired.timezone));
  TRIDENT_RETURN_IF_ERROR(WriteAdditionalFiles(system, desired.additional_files));
  TRIDENT_RETURN_IF_ERROR(SetModules(system, desired.modules));
  if (desired.selinux.mode) {
    TRIDENT_RETURN_IF_ERROR(SetSelinuxMode(system, *desired.selinux.mode));
  }
  // Last: services may need everything else.
  return ConfigureServices(system, desired.services, earlier.configuration.services);
}

absl::StatusOr<EarlierOs> ReadRunningAccounts(const Files& files) {
  EarlierOs earlier;
  TRIDENT_ASSIGN_OR_RETURN(const std::string accounts, ReadIfThere(files, "/etc/passwd"));
  TRIDENT_ASSIGN_OR_RETURN(const std::string groups, ReadIfThere(files, "/etc/group"));
  earlier.accounts = ParsePasswd(accounts);
  earlier.groups = ParseGroups(groups);
  return earlier;
}

Drift FindDrift(const OsConfig& desired, const OsConfig& earlier, const Drift& known) {
  std::set<std::string> users(known.users.begin(), known.users.end());
  for (const User& user : earlier.users) users.insert(user.name);
  // It is in every system.
  users.erase("root");
  for (const User& user : desired.users) users.erase(user.name);
  std::set<std::string> files(known.files.begin(), known.files.end());
  for (const AdditionalFile& file : earlier.additional_files) files.insert(file.destination);
  for (const AdditionalFile& file : desired.additional_files) files.erase(file.destination);
  return {{users.begin(), users.end()}, {files.begin(), files.end()}};
}

}  // namespace trident
