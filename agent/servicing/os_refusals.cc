#include "agent/servicing/os_refusals.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/hooks/script_runner.h"
#include "common/config/enum_names.h"

namespace trident {
namespace {

void RefuseDangerous(const OsConfig& osconfig, Refusals& refusals) {
  const auto refuse = [&](const std::string& path, std::string_view mode) {
    refusals.Precondition(
        "precondition", "dangerous-option", path,
        absl::StrCat("'", std::string(mode),
                     "' is only for test machines, and this agent does not "
                     "allow it"),
        "Use SSH keys. If passwords are really wanted, set dangerousOptions: true "
        "in the agent's own configuration.");
  };
  for (size_t i = 0; i < osconfig.users.size(); ++i) {
    const User& user = osconfig.users[i];
    const std::string path = absl::StrCat("osconfig.users[", i, "]");
    if (user.password.mode != PasswordMode::kLocked) {
      refuse(path + ".password.mode", EnumName(user.password.mode));
    }
    if (user.ssh_mode == SshMode::kDangerousAllowPassword) {
      refuse(path + ".sshMode", EnumName(user.ssh_mode));
    }
  }
}

}  // namespace

void RefuseOs(const HostConfiguration& desired, ServicingKind kind, bool configures_os,
              const Observation& observed, Refusals& refusals) {
  if (!observed.dangerous_options) RefuseDangerous(desired.osconfig, refusals);
  for (const ScriptStage stage :
       {ScriptStage::kPreServicing, ScriptStage::kPostProvision, ScriptStage::kPostConfigure}) {
    const std::vector<Script>& scripts = ScriptsOf(desired.scripts, stage);
    for (size_t i = 0; i < scripts.size(); ++i) {
      const std::string path = absl::StrCat("scripts.", ScriptPlace(stage, i), ".path");
      const auto found = observed.unreadable_files.find(path);
      if (found != observed.unreadable_files.end() && RunsIn(scripts[i], kind)) {
        refusals.Failed(path, found->second);
      }
    }
  }
  if (!configures_os) return;
  for (const auto& [path, status] : observed.unreadable_files) {
    if (absl::StartsWith(path, "osconfig.")) refusals.Failed(path, status);
  }
}

}  // namespace trident
