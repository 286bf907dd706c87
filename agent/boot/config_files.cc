#include "agent/boot/config_files.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Kind = BootConfigFile::Kind;

class Finder {
 public:
  Finder(const Files& files, const std::string& esp, const std::string& root)
      : files_(files), esp_(esp), root_(root) {}

  void AddOnEsp(Kind kind, const std::string& path) {
    Add(kind, path, absl::StrCat(path.substr(esp_.size() + 1), " of the ESP"));
  }

  absl::Status AddBelowRoot(Kind kind, const std::string& path) {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> resolved, Resolve(path));
    if (resolved.has_value() && files_.Exists(*resolved) && !files_.IsDirectory(*resolved)) {
      Add(kind, *resolved, path);
    }
    return absl::OkStatus();
  }

  absl::Status AddFolderBelowRoot(Kind kind, const std::string& folder, std::string_view suffix) {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> resolved, Resolve(folder));
    if (!resolved.has_value() || !files_.IsDirectory(*resolved)) return absl::OkStatus();
    for (const std::string& path : ListWithSuffix(files_, *resolved, suffix)) {
      TRIDENT_RETURN_IF_ERROR(AddBelowRoot(kind, folder + path.substr(resolved->size())));
    }
    return absl::OkStatus();
  }

  // When it is mounted at /boot.
  void LeaveOutOtherEntriesOfEsp(const std::string& own) {
    std::erase_if(found_, [&](const BootConfigFile& file) {
      return file.kind == Kind::kLoaderEntry && file.path.starts_with(esp_ + "/") &&
             !EqualsIgnoringCase(file.path.substr(esp_.size() + 1), own);
    });
  }

  bool Has(Kind kind) const {
    return std::any_of(found_.begin(), found_.end(),
                       [kind](const BootConfigFile& file) { return file.kind == kind; });
  }

  std::vector<BootConfigFile> Take() { return std::move(found_); }

 private:
  absl::StatusOr<std::optional<std::string>> Resolve(const std::string& path) const {
    absl::StatusOr<std::string> resolved = ResolveBelow(files_, root_, path);
    if (absl::IsNotFound(resolved.status())) return std::optional<std::string>();
    if (!resolved.ok()) return resolved.status();
    return std::optional<std::string>(*std::move(resolved));
  }

  // The ESP is usually mounted below the root, and links are usual in /boot.
  void Add(Kind kind, const std::string& path, std::string name) {
    const bool known = std::any_of(found_.begin(), found_.end(),
                                   [&](const BootConfigFile& file) { return file.path == path; });
    if (!known) found_.push_back(BootConfigFile{kind, path, std::move(name)});
  }

  const Files& files_;
  const std::string& esp_;
  const std::string& root_;
  std::vector<BootConfigFile> found_;
};

}  // namespace

absl::StatusOr<std::vector<BootConfigFile>> FindBootConfigFiles(const Files& files,
                                                                const Loader& loader,
                                                                const std::string& esp,
                                                                const std::string& root) {
  Finder finder(files, esp, root);
  if (loader.kind == LoaderKind::kGrub) {
    if (loader.folder.empty()) {
      for (const std::string& path : FindGrubStubs(files, esp)) {
        finder.AddOnEsp(Kind::kGrubStub, path);
      }
    } else if (auto stub = FindIgnoringCase(files, esp, loader.folder + "/grub.cfg")) {
      finder.AddOnEsp(Kind::kGrubStub, *stub);
    }
    for (const std::string folder : {"/boot/grub", "/boot/grub2"}) {
      TRIDENT_RETURN_IF_ERROR(finder.AddBelowRoot(Kind::kGrubConfig, folder + "/grub.cfg"));
      TRIDENT_RETURN_IF_ERROR(finder.AddBelowRoot(Kind::kGrubEnvironment, folder + "/grubenv"));
    }
    if (!finder.Has(Kind::kGrubStub)) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "no-boot-configuration",
                       absl::StrFormat("The ESP at %s has no grub.cfg any more.", esp));
    }
  }
  if (!loader.folder.empty()) {
    // The other entries are those of the other volume.
    if (const auto entry = FindIgnoringCase(files, esp, loader.entry);
        !loader.entry.empty() && entry.has_value()) {
      finder.AddOnEsp(Kind::kLoaderEntry, *entry);
    }
  } else if (const auto entries = FindIgnoringCase(files, esp, "loader/entries")) {
    for (const std::string& path : ListWithSuffix(files, *entries, ".conf")) {
      finder.AddOnEsp(Kind::kLoaderEntry, path);
    }
  }
  // A separate /boot (XBOOTLDR), and GRUB with blscfg.
  TRIDENT_RETURN_IF_ERROR(
      finder.AddFolderBelowRoot(Kind::kLoaderEntry, "/boot/loader/entries", ".conf"));
  if (!loader.folder.empty()) finder.LeaveOutOtherEntriesOfEsp(loader.entry);
  if (loader.kind == LoaderKind::kSystemdBoot && !finder.Has(Kind::kLoaderEntry)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "no-boot-configuration",
                     absl::StrFormat("systemd-boot on the ESP at %s has nothing to start: there is "
                                     "no loader/entries/*.conf, neither there nor in /boot.",
                                     esp),
                     "Add an entry (title, linux, initrd, options) to the image.");
  }
  TRIDENT_RETURN_IF_ERROR(finder.AddBelowRoot(Kind::kKernelCommandLine, "/etc/kernel/cmdline"));
  TRIDENT_RETURN_IF_ERROR(finder.AddBelowRoot(Kind::kGrubDefaults, "/etc/default/grub"));
  TRIDENT_RETURN_IF_ERROR(
      finder.AddFolderBelowRoot(Kind::kGrubDefaults, "/etc/default/grub.d", ".cfg"));
  return finder.Take();
}

}  // namespace trident
