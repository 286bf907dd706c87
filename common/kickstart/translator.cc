#include "common/kickstart/translator.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/finding_list.h"
#include "common/config/validation.h"
#include "common/kickstart/netplan.h"

namespace trident::kickstart {
namespace {

constexpr char kSwap[] = "swap";
constexpr char kRoot[] = "root";

PartitionType PartitionTypeOf(std::string_view mount) {
  constexpr std::pair<std::string_view, PartitionType> kTypes[] = {
      {"/", PartitionType::kRoot},   {"/boot/efi", PartitionType::kEsp},
      {"/var", PartitionType::kVar}, {"/home", PartitionType::kHome},
      {"/usr", PartitionType::kUsr}, {"/tmp", PartitionType::kTmp},
      {kSwap, PartitionType::kSwap},
  };
  for (const auto& [place, type] : kTypes) {
    if (place == mount) return type;
  }
  return PartitionType::kLinuxGeneric;
}

class Translator {
 public:
  Translator(const Kickstart& kickstart, const Line& whole, ProblemList& problems)
      : kickstart_(kickstart), whole_(whole), problems_(problems) {}

  HostConfiguration Translate() {
    configuration_.management.self_upgrade = true;
    TranslateParts();
    TranslateDevices();
    TranslateScripts();
    TranslateUsers();
    TranslateSystem();
    RefuseWithoutImages();
    Validate();
    return std::move(configuration_);
  }

 private:
  // Where the value at `path` comes from.
  void Locate(std::string path, const Line& line) { origins_.emplace(std::move(path), &line); }

  void TranslateParts() {
    Storage& storage = configuration_.storage;
    std::map<std::string, size_t> disks;
    for (const Part& part : kickstart_.parts) {
      const auto [place, is_new] = disks.emplace(part.disk, storage.disks.size());
      const size_t number = place->second;
      if (is_new) {
        Disk& disk = storage.disks.emplace_back();
        disk.id = StrCat("disk-", number);
        disk.device = part.disk;
        Locate(StrCat("storage.disks[", number, "].device"), part.line);
      }
      Disk& disk = storage.disks[number];
      Locate(StrCat("storage.disks[", number, "].partitions[", disk.partitions.size(), "]"),
             part.line);
      Partition& partition = disk.partitions.emplace_back();
      partition.id = StrCat(disk.id, "-", disk.partitions.size() - 1);
      partition.type = PartitionTypeOf(part.mount);
      partition.size = {.grow = !part.size, .bytes = part.size.value_or(0)};

      Locate(StrCat("storage.mountPoints[", storage.mount_points.size(), "]"), part.line);
      storage.mount_points.push_back({.path = part.mount == kSwap ? "none" : part.mount,
                                      .filesystem = part.filesystem,
                                      .options = part.options,
                                      .target_id = partition.id});
      if (!part.image) continue;
      Locate(StrCat("storage.images[", storage.images.size(), "]"), part.line);
      storage.images.push_back({.url = *part.image,
                                .sha256 = ImageHash::Ignored(),
                                .format = ImageFormat::kRawZstd,
                                .target_id = partition.id});
    }
  }

  void TranslateDevices() {
    NetplanDocuments documents = TranslateNetwork(kickstart_.devices, problems_);
    configuration_.network_provision = std::move(documents.activated);
    if (!kickstart_.devices.empty()) configuration_.network = std::move(documents.all);
  }

  void TranslateScripts() {
    auto& scripts = configuration_.scripts.post_configure;
    for (size_t i = 0; i < kickstart_.scripts.size(); ++i) {
      const ScriptSection& section = kickstart_.scripts[i];
      if (section.kind != ScriptSection::Kind::kPost) continue;
      Locate(StrCat("scripts.postConfigure[", scripts.size(), "]"), section.line);
      Script& script = scripts.emplace_back();
      script.name = StrCat("kickstart-script-", i);
      script.servicing_type = {ScriptServicing::kCleanInstall};
      script.interpreter = section.interpreter;
      script.content = section.content;
      script.log_file_path = section.log;
    }
  }

  void AddUser(const UserAccount& account) {
    auto& users = configuration_.osconfig.users;
    Locate(StrCat("osconfig.users[", users.size(), "]"), account.line);
    User& user = users.emplace_back();
    user.name = account.name;
    user.password = account.password;
    user.groups = account.groups;
  }

  void TranslateUsers() {
    if (kickstart_.root) AddUser(*kickstart_.root);
    for (const UserAccount& account : kickstart_.users) AddUser(account);
    auto& users = configuration_.osconfig.users;
    for (const SshKey& key : kickstart_.ssh_keys) {
      auto user = std::find_if(users.begin(), users.end(),
                               [&](const User& one) { return one.name == key.user; });
      if (user == users.end()) {
        problems_.Add(ProblemKind::kSemanticError, key.line,
                      StrCat("sshkey: no command makes the user ", Shorten(key.user), "; write ",
                             key.user == kRoot ? "rootpw --lock" : "user --name"));
        continue;
      }
      const auto number = static_cast<size_t>(user - users.begin());
      Locate(StrCat("osconfig.users[", number, "].sshKeys[", user->ssh_keys.size(), "]"), key.line);
      user->ssh_keys.push_back(key.key);
      user->ssh_mode = SshMode::kKeyOnly;
    }
  }

  // Appends the values to a list of the document, which stands at `path`.
  void AddAll(const std::vector<Setting>& settings, const std::string& path,
              std::vector<std::string>& out) {
    for (const Setting& setting : settings) {
      Locate(StrCat(path, "[", out.size(), "]"), setting.line);
      out.push_back(setting.value);
    }
  }

  void TranslateSystem() {
    OsConfig& os = configuration_.osconfig;
    if (kickstart_.hostname) os.hostname = kickstart_.hostname->value;
    if (kickstart_.timezone) os.timezone = kickstart_.timezone->value;
    if (kickstart_.selinux) os.selinux.mode = kickstart_.selinux->mode;
    AddAll(kickstart_.services.enabled, "osconfig.services.enable", os.services.enable);
    AddAll(kickstart_.services.disabled, "osconfig.services.disable", os.services.disable);
    AddAll(kickstart_.kernel_options, "osconfig.kernelCommandLine.extraCommandLine",
           os.kernel_command_line.extra_command_line);
  }

  // liveimg says what to install, which here every partition says for itself.
  void RefuseWithoutImages() {
    if (!kickstart_.liveimg) return;
    const bool has_images = !configuration_.storage.images.empty();
    problems_.Add(
        has_images ? ProblemKind::kSemanticWarning : ProblemKind::kTranslationError,
        *kickstart_.liveimg,
        has_images ? "liveimg: has no effect: the images that part --image names are installed"
                   : "liveimg: an image of a whole system cannot be installed. Name an image for "
                     "every partition with part --image");
  }

  const Line* OriginOf(std::string_view path) const {
    while (true) {
      if (const auto found = origins_.find(path); found != origins_.end()) return found->second;
      const size_t cut = path.find_last_of(".[");
      if (cut == std::string_view::npos) return nullptr;
      path = path.substr(0, cut);
    }
  }

  // What the agent would refuse is told here, where it has a line. What is only missing may be
  // added later: a kickstart need not be complete.
  void Validate() {
    FindingList findings;
    ValidateHostConfiguration(configuration_, "", findings);
    for (const Finding& finding : findings.Sorted()) {
      const Line* const line = OriginOf(finding.path);
      const std::string message = StrCat(finding.reason, ". ", finding.remedy);
      if (line != nullptr) {
        problems_.Add(ProblemKind::kTranslationError, *line, message);
      } else {
        problems_.Add(
            ProblemKind::kSemanticWarning, whole_,
            StrCat("the Host Configuration is not complete: ", finding.path, ": ", message));
      }
    }
  }

  const Kickstart& kickstart_;
  const Line& whole_;
  ProblemList& problems_;
  HostConfiguration configuration_;
  std::map<std::string, const Line*, std::less<>> origins_;
};

}  // namespace

HostConfiguration TranslateModel(const Kickstart& kickstart, const Line& whole,
                                 ProblemList& problems) {
  return Translator(kickstart, whole, problems).Translate();
}

}  // namespace trident::kickstart
