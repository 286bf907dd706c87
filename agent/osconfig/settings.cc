#include "agent/osconfig/settings.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/config/enum_names.h"

namespace trident {
namespace {

constexpr char kZoneFolder[] = "/usr/share/zoneinfo/";
constexpr uint64_t kMostFileBytes = 16 << 20;
constexpr uint32_t kUsualMode = 0644;

uint32_t ParseMode(const std::string& octal) {
  uint32_t mode = 0;
  std::from_chars(octal.data(), octal.data() + octal.size(), mode, 8);
  return mode;
}

// The policy's name, "default" or "targeted"; empty: none is named.
std::string SelinuxPolicy(std::string_view config) {
  for (const std::string_view line : StrSplitNonEmpty(config, '\n')) {
    const std::string_view text = StripWhitespace(line);
    if (text.starts_with("SELINUXTYPE=")) {
      return std::string(text.substr(std::string_view("SELINUXTYPE=").size()));
    }
  }
  return "";
}

// systemd reads its units only when it is told to.
bool HoldsUnits(std::string_view path) {
  for (const std::string_view folder : {"/etc/systemd/system/", "/usr/lib/systemd/system/",
                                        "/lib/systemd/system/", "/usr/local/lib/systemd/system/"}) {
    if (path.starts_with(folder)) return true;
  }
  return false;
}

}  // namespace

absl::Status SetHostname(TargetSystem& system, const std::string& name) {
  if (system.is_running()) {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> now,
                             system.Read("/proc/sys/kernel/hostname"));
    const std::string before(StripWhitespace(now.value_or("")));
    if (before != name) {
      if (!before.empty()) {
        TRIDENT_RETURN_IF_ERROR(system.SaveCommand({"hostname", before}));
      }
      TRIDENT_RETURN_IF_ERROR(system.Run({"hostname", name}));
    }
  }
  TRIDENT_RETURN_IF_ERROR(system.Write("/etc/hostname", name + "\n", kUsualMode).status());
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> hosts, system.Read("/etc/hosts"));
  return system
      .Write("/etc/hosts", SetOwnHostLine(hosts.value_or("127.0.0.1\tlocalhost\n"), name),
             kUsualMode)
      .status();
}

std::string SetOwnHostLine(std::string_view hosts, const std::string& name) {
  const std::string label = name.substr(0, name.find('.'));
  const std::string own =
      StrCat("127.0.1.1\t", name, label == name ? "" : " ", label == name ? "" : label);
  std::string text;
  bool is_done = false;
  if (hosts.ends_with('\n')) hosts.remove_suffix(1);
  for (const std::string_view line : StrSplit(hosts, '\n')) {
    const std::string_view stripped = StripWhitespace(line);
    if (stripped.starts_with("127.0.1.1") &&
        (stripped.size() == 9 || stripped[9] == ' ' || stripped[9] == '\t')) {
      if (!is_done) StrAppend(&text, own, "\n");
      is_done = true;
    } else {
      StrAppend(&text, line, "\n");
    }
  }
  if (!is_done) StrAppend(&text, own, "\n");
  return text;
}

absl::Status SetTimezone(TargetSystem& system, const std::string& timezone) {
  const std::string zone = kZoneFolder + timezone;
  if (!system.Exists(zone)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-timezone",
                     absl::StrCat("osconfig.timezone: the system has no ", zone),
                     "Write a time zone that the image knows, or install tzdata in the image.");
  }
  TRIDENT_RETURN_IF_ERROR(system.Link(".." + zone, "/etc/localtime").status());
  if (!system.Exists("/etc/timezone")) return absl::OkStatus();
  return system.Write("/etc/timezone", timezone + "\n", kUsualMode).status();
}

absl::Status SetModules(TargetSystem& system, const std::vector<std::string>& modules) {
  if (modules.empty()) return system.Remove(kModulesFile).status();
  std::string text = "# Written by the agent from osconfig.modules of the Host Configuration.\n";
  for (const std::string& module : modules) StrAppend(&text, module, "\n");
  TRIDENT_RETURN_IF_ERROR(system.Write(kModulesFile, text, kUsualMode).status());
  if (!system.is_running()) return absl::OkStatus();
  // What cannot be loaded now cannot be loaded after the reboot either.
  for (const std::string& module : modules) {
    TRIDENT_RETURN_IF_ERROR(Annotate(system.Run({"modprobe", module}), "load a kernel module"));
  }
  return absl::OkStatus();
}

absl::Status SetSelinuxMode(TargetSystem& system, SelinuxMode mode) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> config, system.Read(kSelinuxConfig));
  if (!config) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-selinux",
                     absl::StrCat("osconfig.selinux.mode: the system has no SELinux, there is no ",
                                  kSelinuxConfig),
                     "Install SELinux and its policy in the image, or leave selinux out.");
  }
  const std::string setting = StrCat("SELINUX=", EnumName(mode));
  std::string text;
  bool is_done = false;
  std::string_view rest = *config;
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  for (const std::string_view line : StrSplit(rest, '\n')) {
    if (StripWhitespace(line).starts_with("SELINUX=")) {
      if (!is_done) StrAppend(&text, setting, "\n");
      is_done = true;
    } else {
      StrAppend(&text, line, "\n");
    }
  }
  if (!is_done) StrAppend(&text, setting, "\n");
  return system.Write(kSelinuxConfig, text, 0).status();
}

absl::Status LabelFiles(TargetSystem& system) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> config, system.Read(kSelinuxConfig));
  const std::string policy = SelinuxPolicy(config.value_or(""));
  const std::string contexts =
      absl::StrCat("/etc/selinux/", policy, "/contexts/files/file_contexts");
  const bool has_tool = system.Exists("/sbin/setfiles") || system.Exists("/usr/sbin/setfiles");
  if (policy.empty() || !has_tool || !system.Exists(contexts)) {
    system.Warn(
        "the image has no setfiles or no policy: what the agent wrote into the new root has no "
        "labels of SELinux, which may keep the system from starting in enforcing mode");
    return absl::OkStatus();
  }
  constexpr char kAttempt[] = "label the files of the new root";
  const std::vector<std::string> argv = {"setfiles", "-F", "-m", contexts, "/"};
  const absl::StatusOr<CommandResult> result = system.Try(argv);
  if (!result.ok()) return Annotate(result.status(), kAttempt);
  // When all is labelled it tells the audit system, which a kernel need not have. Had it found
  // something else to say, it would have been said before.
  if (result->exit_status == 0 ||
      StripWhitespace(result->error_output) == "Error connecting to audit system.") {
    return absl::OkStatus();
  }
  return Annotate(ExitStatusError(argv, *result), kAttempt);
}

absl::Status WriteAdditionalFiles(TargetSystem& system, const std::vector<AdditionalFile>& files) {
  const bool has_units = std::any_of(files.begin(), files.end(), [](const AdditionalFile& file) {
    return HoldsUnits(file.destination);
  });
  if (has_units && system.is_running()) {
    TRIDENT_RETURN_IF_ERROR(system.SaveCommand({"systemctl", "daemon-reload"}));
  }
  bool is_changed = false;
  for (const AdditionalFile& file : files) {
    std::string content = file.content.value_or("");
    uint32_t mode = kUsualMode;
    if (file.source) {
      const std::string attempt = StrCat("read the file for ", file.destination);
      absl::StatusOr<std::string> source = system.files().Read(*file.source, kMostFileBytes);
      if (!source.ok()) return Annotate(source.status(), attempt);
      content = *std::move(source);
      TRIDENT_ASSIGN_OR_RETURN(const std::string canonical, system.files().Canonical(*file.source));
      TRIDENT_ASSIGN_OR_RETURN(const FileFacts facts, system.files().Facts(canonical));
      mode = facts.mode & 0777;
    }
    if (file.permissions) mode = ParseMode(*file.permissions);
    TRIDENT_ASSIGN_OR_RETURN(const bool written, system.Write(file.destination, content, mode));
    is_changed = is_changed || written;
  }
  if (!has_units || !system.is_running() || !is_changed) return absl::OkStatus();
  return system.Run({"systemctl", "daemon-reload"});
}

absl::Status CheckSourceFile(const Files& files, const AdditionalFile& file) {
  return file.source ? files.Read(*file.source, kMostFileBytes).status() : absl::OkStatus();
}

}  // namespace trident
