// The rules of `osconfig`.
#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/enum_names.h"
#include "common/config/validation.h"

namespace trident {
namespace {

using Normalize = std::function<std::string(std::string_view)>;

std::string AsIs(std::string_view text) { return std::string(text); }

// "ssh" is ssh.service.
std::string UnitOf(std::string_view name) {
  return name.find('.') == std::string_view::npos ? StrCat(name, ".service") : std::string(name);
}

// The kernel takes "-" and "_" for the same.
std::string ModuleOf(std::string_view name) { return StrReplace(name, "-", "_"); }

std::string PathOf(std::string_view path) {
  return StrCat("/", StrJoin(StrSplitNonEmpty(path, '/'), "/"));
}

bool IsBelow(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

// Items of the list at `path` that mean the same as an earlier one.
void RefuseRepeated(const std::vector<std::string>& items, const std::string& path,
                    const Normalize& normalize, FindingList& findings) {
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string item_path = StrCat(path, "[", i, "]");
    if (findings.Failed(item_path)) continue;
    const auto [first, is_new] = seen.emplace(normalize(items[i]), i);
    if (is_new) continue;
    findings.Add(item_path,
                 StrCat("\"", Shorten(items[i]), "\" is there twice, first at ", path, "[",
                        first->second, "]"),
                 "Remove one of the two.");
  }
}

void ValidatePassword(const Password& password, const std::string& path, FindingList& findings) {
  constexpr char kHashRemedy[] =
      "Write the hash as crypt(3) makes it, such as the output of openssl passwd -6.";
  const std::string value_path = path + ".value";
  if (findings.Failed(path + ".mode")) return;
  if (password.mode == PasswordMode::kLocked) {
    if (password.value.empty()) return;
    findings.Add(value_path, "a locked password has no value",
                 "Remove \"value\", or choose another mode.");
    return;
  }
  if (password.value.empty()) {
    findings.Add(value_path, StrCat("the mode \"", EnumName(password.mode), "\" needs a value"),
                 "Add \"value:\" with the password or its hash.");
  }
  // The value is not repeated: messages are kept in places that it must not get to.
  if (password.mode == PasswordMode::kDangerousHashed &&
      (password.value.find(':') != std::string_view::npos)) {
    findings.Add(value_path, "the hash of a password must not contain \":\"", kHashRemedy);
  } else if (password.mode == PasswordMode::kDangerousHashed && !password.value.empty() &&
             !password.value.starts_with("$")) {
    findings.Add(value_path, "the value is no hash of a password: it does not begin with \"$\"",
                 kHashRemedy);
  }
}

void ValidateUsers(const OsConfig& osconfig, const std::string& path, FindingList& findings) {
  std::map<std::string, std::string> names;
  for (size_t i = 0; i < osconfig.users.size(); ++i) {
    const User& user = osconfig.users[i];
    const std::string user_path = StrCat(path, ".users[", i, "]");
    if (!findings.Failed(user_path + ".name")) {
      const auto [first, is_new] = names.emplace(user.name, user_path);
      if (!is_new) {
        findings.Add(
            user_path + ".name",
            StrCat("the user \"", user.name, "\" is there twice, first at ", first->second),
            "Merge the two users.");
      }
    }
    ValidatePassword(user.password, user_path + ".password", findings);
    RefuseRepeated(user.groups, user_path + ".groups", AsIs, findings);
    RefuseRepeated(user.ssh_keys, user_path + ".sshKeys", AsIs, findings);
  }
}

void ValidateServices(const Services& services, const std::string& path, FindingList& findings) {
  RefuseRepeated(services.enable, path + ".enable", UnitOf, findings);
  RefuseRepeated(services.disable, path + ".disable", UnitOf, findings);
  for (size_t i = 0; i < services.disable.size(); ++i) {
    const std::string unit = UnitOf(services.disable[i]);
    const std::string item_path = StrCat(path, ".disable[", i, "]");
    if (unit == "trident.service" || unit == "tridentd.service" || unit == "tridentd.socket") {
      findings.Add(item_path, StrCat("without ", unit, " no agent looks after the host"),
                   "Remove it; management.disable sets no agent up.");
    }
    const bool is_enabled =
        std::any_of(services.enable.begin(), services.enable.end(),
                    [&](const std::string& other) { return UnitOf(other) == unit; });
    if (is_enabled) {
      findings.Add(item_path,
                   StrCat("\"", Shorten(services.disable[i]), "\" is both enabled and disabled"),
                   "Keep one of the two.");
    }
  }
}

// Gone at the boot, or no files at all.
constexpr std::array<std::string_view, 5> kFleetingFolders = {"/dev", "/proc", "/run", "/sys",
                                                              "/tmp"};

// Written by the agent from other parts of the document, or from nothing else than itself.
constexpr std::array<std::string_view, 4> kOwnFiles = {
    "/etc/crypttab", "/etc/fstab", "/etc/mdadm/mdadm.conf", "/etc/trident/config.yaml"};

// Whether a file at `path` outlives the boot and belongs to the user; otherwise says why not.
bool CheckPlace(const std::string& given, const std::string& path, FindingList& findings) {
  const std::string normal = PathOf(given);
  if (normal == "/" || given.ends_with("/")) {
    findings.Add(path, StrCat("\"", Shorten(given), "\" names no file"),
                 "Write the path of a file, without a slash at its end.");
    return false;
  }
  for (const std::string_view folder : kFleetingFolders) {
    if (normal != folder && !IsBelow(normal, folder)) continue;
    findings.Add(path, StrCat("what is below ", folder, " does not outlive a boot"),
                 "Choose another place.");
    return false;
  }
  for (const std::string_view own : kOwnFiles) {
    if (normal != own && !IsBelow(own, normal)) continue;
    findings.Add(path, StrCat(own, " is written by the agent"), "Choose another place.");
    return false;
  }
  return true;
}

// The earlier destination that is the same file, or would have to be a folder for this one or in
// it.
const std::string* FindClash(const std::set<std::string>& destinations, const std::string& path) {
  for (size_t end = path.size(); end != 0 && end != std::string::npos;
       end = path.rfind('/', end - 1)) {
    const auto found = destinations.find(path.substr(0, end));
    if (found != destinations.end()) return &*found;
  }
  const auto below = destinations.lower_bound(path + "/");
  return below != destinations.end() && IsBelow(*below, path) ? &*below : nullptr;
}

// Files that other fields of `osconfig` write.
void RefuseDoubleMeaning(const OsConfig& osconfig, const std::string& path, FindingList& findings) {
  const auto refuse = [&](bool is_given, const char* field,
                          std::initializer_list<std::string_view> files) {
    if (!is_given) return;
    for (size_t i = 0; i < osconfig.additional_files.size(); ++i) {
      const std::string destination = PathOf(osconfig.additional_files[i].destination);
      if (std::find(files.begin(), files.end(), destination) == files.end()) continue;
      findings.Add(StrCat(path, ".additionalFiles[", i, "].destination"),
                   StrCat(destination, " is written for \"", field, "\""),
                   StrCat("Remove the file, or \"", field, "\"."));
    }
  };
  refuse(osconfig.hostname.has_value(), "hostname", {"/etc/hostname"});
  refuse(osconfig.timezone.has_value(), "timezone", {"/etc/localtime", "/etc/timezone"});
  refuse(osconfig.selinux.mode.has_value(), "selinux", {"/etc/selinux/config"});
  refuse(true, "modules", {"/etc/modules-load.d/trident.conf"});
  refuse(true, "users",
         {"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow",
          "/etc/ssh/sshd_config.d/global_user.conf"});
}

void ValidateFiles(const std::vector<AdditionalFile>& files, const std::string& path,
                   FindingList& findings) {
  std::set<std::string> destinations;
  for (size_t i = 0; i < files.size(); ++i) {
    const AdditionalFile& file = files[i];
    const std::string file_path = StrCat(path, "[", i, "]");
    if (!findings.Failed(file_path + ".content") && !findings.Failed(file_path + ".source")) {
      if (file.content && file.source) {
        findings.Add(file_path + ".source", "a file has both \"content\" and \"source\"",
                     "Keep one of the two.");
      }
      if (!file.content && !file.source) {
        findings.Add(file_path, "a file has neither \"content\" nor \"source\"",
                     "Add one of the two.");
      }
    }
    const std::string destination_path = file_path + ".destination";
    if (findings.Failed(destination_path)) continue;
    if (!CheckPlace(file.destination, destination_path, findings)) continue;
    const std::string destination = PathOf(file.destination);
    if (const std::string* other = FindClash(destinations, destination)) {
      findings.Add(destination_path,
                   *other == destination ? StrCat("\"", Shorten(destination), "\" is there twice")
                                         : StrCat("\"", Shorten(destination), "\" and \"",
                                                  Shorten(*other), "\" cannot both be files"),
                   "Remove one of the two files, or choose another place for it.");
    }
    destinations.insert(destination);
  }
}

void ValidatePreserve(const std::vector<std::string>& preserve, const std::string& path,
                      FindingList& findings) {
  RefuseRepeated(preserve, path, PathOf, findings);
  for (size_t i = 0; i < preserve.size(); ++i) {
    const std::string item_path = StrCat(path, "[", i, "]");
    if (findings.Failed(item_path) || !CheckPlace(preserve[i], item_path, findings)) continue;
    const std::string& item = preserve[i];
    if (item.substr(0, item.rfind('/')).find('*') != std::string::npos) {
      findings.Add(item_path, "only the last part of a path may have \"*\" in it",
                   "Write one item for each folder.");
    }
  }
}

}  // namespace

void ValidateOsConfig(const OsConfig& osconfig, const std::string& path, FindingList& findings) {
  ValidateUsers(osconfig, path, findings);
  ValidateServices(osconfig.services, path + ".services", findings);
  RefuseRepeated(osconfig.modules, path + ".modules", ModuleOf, findings);
  RefuseRepeated(osconfig.kernel_command_line.extra_command_line,
                 path + ".kernelCommandLine.extraCommandLine", AsIs, findings);
  ValidateFiles(osconfig.additional_files, path + ".additionalFiles", findings);
  RefuseDoubleMeaning(osconfig, path, findings);
  ValidatePreserve(osconfig.preserve, path + ".preserve", findings);
}

}  // namespace trident
