#include "agent/osconfig/ssh_access.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/base/strings.h"

namespace trident {
namespace {

constexpr char kIncludeLines[] =
    "# Users as the Host Configuration has them; sshd takes the first value that it finds.\n"
    "Include /etc/ssh/sshd_config.d/global_user.conf\n";

std::string_view PermitRootLogin(SshMode mode) {
  switch (mode) {
    case SshMode::kBlock:
      return "no";
    case SshMode::kKeyOnly:
      return "prohibit-password";
    case SshMode::kDangerousAllowPassword:
      break;
  }
  return "yes";
}

// The unit of the SSH server that runs; empty: none does.
absl::StatusOr<std::string> RunningServer(TargetSystem& system) {
  for (const char* unit : {"ssh.service", "sshd.service"}) {
    TRIDENT_ASSIGN_OR_RETURN(const CommandResult state,
                             system.TrySystemctl({"is-active", "--quiet", unit}));
    if (state.exit_status == 0) return std::string(unit);
  }
  return std::string();
}

absl::Status WithoutServer(TargetSystem& system, const std::vector<User>& users) {
  for (const User& user : users) {
    if (user.ssh_mode != SshMode::kBlock) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-ssh-server",
                       absl::StrCat("the user ", user.name,
                                    " is to log in over SSH, but the system has no ", kSshdConfig),
                       "Install an SSH server in the image, or set sshMode to block.");
    }
    if (!user.ssh_keys.empty()) {
      system.Warn(
          absl::StrCat("the user ", user.name, " has SSH keys, but the system has no SSH server"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string MakeSshdUserRules(const std::vector<User>& users) {
  std::vector<std::string> allowed;
  std::vector<std::string> with_password;
  std::string text =
      "# Written by the agent from osconfig.users of the Host Configuration.\n"
      "PasswordAuthentication no\nKbdInteractiveAuthentication no\n";
  for (const User& user : users) {
    if (user.name == "root") {
      StrAppend(&text, "PermitRootLogin ", PermitRootLogin(user.ssh_mode), "\n");
    }
    if (user.ssh_mode != SshMode::kBlock) allowed.push_back(user.name);
    if (user.ssh_mode == SshMode::kDangerousAllowPassword) with_password.push_back(user.name);
  }
  if (allowed.empty()) {
    text += "DenyUsers *\n";
  } else {
    StrAppend(&text, "AllowUsers ", StrJoin(allowed, " "), "\n");
  }
  if (!with_password.empty()) {
    StrAppend(&text, "Match User ", StrJoin(with_password, ","),
              "\n  PasswordAuthentication yes\n  KbdInteractiveAuthentication yes\n");
  }
  return text;
}

std::string IncludeSshdUserRules(std::string_view text) {
  if (text.starts_with(kIncludeLines)) return std::string(text);
  return StrCat(kIncludeLines, text);
}

absl::Status ConfigureSshAccess(TargetSystem& system, const std::vector<User>& users,
                                bool had_users) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> server, system.Read(kSshdConfig));
  if (!server) return WithoutServer(system, users);
  if (users.empty() && !had_users) return absl::OkStatus();
  std::string running;
  if (system.is_running()) {
    TRIDENT_ASSIGN_OR_RETURN(running, RunningServer(system));
  }
  // Undone last: when the files are the old ones again.
  if (!running.empty()) {
    TRIDENT_RETURN_IF_ERROR(system.SaveCommand(system.Systemctl({"reload", running})));
  }
  bool is_changed = false;
  if (users.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(is_changed, system.Remove(kSshdUserRules));
  } else {
    TRIDENT_ASSIGN_OR_RETURN(const bool rules_changed,
                             system.Write(kSshdUserRules, MakeSshdUserRules(users), 0600));
    TRIDENT_ASSIGN_OR_RETURN(const bool include_changed,
                             system.Write(kSshdConfig, IncludeSshdUserRules(*server), 0));
    is_changed = rules_changed || include_changed;
  }
  if (running.empty() || !is_changed) return absl::OkStatus();
  // A server that cannot read its configuration would be gone after the next restart.
  TRIDENT_RETURN_IF_ERROR(
      Annotate(system.Run({"sshd", "-t"}), "check the configuration of the SSH server"));
  TRIDENT_ASSIGN_OR_RETURN(const CommandResult reloaded, system.TrySystemctl({"reload", running}));
  if (reloaded.exit_status == 0) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInternal, "environment", "reload-failed",
      absl::StrCat("the SSH server does not take its configuration: ", reloaded.error_output));
}

}  // namespace trident
