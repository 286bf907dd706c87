#include "agent/boot/loader.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

// systemd-boot says what it is in its binary, for bootctl: "#### LoaderInfo: systemd-boot 252
// ####".
constexpr std::string_view kSystemdBootMark = "LoaderInfo: systemd-boot";

// `path` is below `esp`.
std::string FirmwarePath(const std::string& esp, const std::string& path) {
  return absl::StrReplaceAll(path.substr(esp.size()), {{"/", "\\"}});
}

bool IsSystemdBoot(const Files& files, const std::string& path) {
  const absl::StatusOr<std::string> content = files.Read(path);
  return content.ok() && content->find(kSystemdBootMark) != std::string::npos;
}

// Folders below EFI, in the order of their names.
std::vector<std::string> VendorFolders(const Files& files, const std::string& esp) {
  std::vector<std::string> folders;
  const std::optional<std::string> efi = FindIgnoringCase(files, esp, "EFI");
  if (!efi.has_value()) return folders;
  const absl::StatusOr<std::vector<std::string>> names = files.List(*efi);
  if (!names.ok()) return folders;
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(*efi, "/", name);
    if (files.IsDirectory(path)) folders.push_back(path);
  }
  return folders;
}

// In the order in which they are preferred.
std::vector<std::string> GrubLoaders(const Files& files, const std::string& esp,
                                     const std::string& architecture) {
  std::vector<std::string> found;
  const auto add = [&](const std::string& folder, const std::string& name) {
    if (auto path = FindIgnoringCase(files, folder, name)) found.push_back(*path);
  };
  // shim under its fallback name starts fbx64.efi if that is beside it, which rewrites the boot
  // entries: then the vendor's own folder is the better choice.
  const bool has_fallback_program =
      FindIgnoringCase(files, esp, absl::StrCat("EFI/BOOT/fb", architecture, ".efi")).has_value();
  const std::string fallback_loader = absl::StrCat("EFI/BOOT/BOOT", architecture, ".EFI");
  if (!has_fallback_program) add(esp, fallback_loader);
  const std::vector<std::string> folders = VendorFolders(files, esp);
  for (const std::string program : {"shim", "grub"}) {
    for (const std::string& folder : folders) {
      add(folder, absl::StrCat(program, architecture, ".efi"));
    }
  }
  if (has_fallback_program) add(esp, fallback_loader);
  return found;
}

std::vector<std::string> SystemdBootLoaders(const Files& files, const std::string& esp,
                                            const std::string& architecture) {
  std::vector<std::string> found;
  for (const std::string& name : {absl::StrCat("EFI/BOOT/BOOT", architecture, ".EFI"),
                                  absl::StrCat("EFI/systemd/systemd-boot", architecture, ".efi")}) {
    if (auto path = FindIgnoringCase(files, esp, name)) found.push_back(*path);
  }
  return found;
}

absl::Status NoLoader(const std::string& esp, std::string_view reason) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "no-boot-loader",
                   absl::StrFormat("Looking for a boot loader on the ESP at %s: %s.", esp, reason),
                   "Put GRUB or systemd-boot into the ESP image: EFI/BOOT/BOOTX64.EFI "
                   "(BOOTAA64.EFI) and its configuration.");
}

}  // namespace

std::string_view LoaderKindName(LoaderKind kind) {
  return kind == LoaderKind::kGrub ? "GRUB" : "systemd-boot";
}

std::optional<std::string> FindIgnoringCase(const Files& files, const std::string& folder,
                                            std::string_view name) {
  std::string path = folder;
  for (const std::string_view component : Split(name, '/')) {
    if (component.empty()) continue;
    const std::string exact = path + "/" + std::string(component);
    if (files.Exists(exact)) {
      path = exact;
      continue;
    }
    const absl::StatusOr<std::vector<std::string>> names = files.List(path);
    if (!names.ok()) return std::nullopt;
    const auto found = std::find_if(names->begin(), names->end(), [&](const std::string& other) {
      return EqualsIgnoringCase(other, component);
    });
    if (found == names->end()) return std::nullopt;
    path = absl::StrCat(path, "/", *found);
  }
  return path;
}

std::vector<std::string> ListWithSuffix(const Files& files, const std::string& folder,
                                        std::string_view suffix) {
  std::vector<std::string> found;
  const absl::StatusOr<std::vector<std::string>> names = files.List(folder);
  if (!names.ok()) return found;
  for (const std::string& name : *names) {
    if (EndsWithIgnoringCase(name, suffix)) found.push_back(absl::StrCat(folder, "/", name));
  }
  return found;
}

std::vector<std::string> FindGrubStubs(const Files& files, const std::string& esp) {
  std::vector<std::string> found;
  const auto add = [&](const std::string& folder, std::string_view name) {
    auto path = FindIgnoringCase(files, folder, name);
    if (path.has_value() && std::find(found.begin(), found.end(), *path) == found.end()) {
      found.push_back(*std::move(path));
    }
  };
  for (const std::string& folder : VendorFolders(files, esp)) add(folder, "grub.cfg");
  for (const std::string_view name :
       {"boot/grub/grub.cfg", "boot/grub2/grub.cfg", "grub/grub.cfg", "grub2/grub.cfg"}) {
    add(esp, name);
  }
  return found;
}

std::vector<std::string> GrubProgramsIn(const Files& files, const std::string& folder,
                                        const std::string& architecture) {
  std::vector<std::string> found;
  const auto add = [&](const std::string& name) {
    if (auto path = FindIgnoringCase(files, folder, name)) found.push_back(*std::move(path));
  };
  const std::string fallback = absl::StrCat("BOOT", architecture, ".EFI");
  // As in GrubLoaders: shim under its fallback name would rewrite the boot entries.
  const bool rewrites =
      FindIgnoringCase(files, folder, absl::StrCat("fb", architecture, ".efi")).has_value();
  if (!rewrites) add(fallback);
  add(absl::StrCat("shim", architecture, ".efi"));
  add(absl::StrCat("grub", architecture, ".efi"));
  if (rewrites) add(fallback);
  return found;
}

absl::StatusOr<std::string> FindDefaultEntry(const Files& files, const std::string& esp) {
  const auto folder = FindIgnoringCase(files, esp, "loader/entries");
  const std::vector<std::string> entries =
      folder.has_value() ? ListWithSuffix(files, *folder, ".conf") : std::vector<std::string>();
  if (entries.size() == 1) return entries.front();
  if (const auto path = FindIgnoringCase(files, esp, "loader/loader.conf")) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string text, files.Read(*path));
    for (const std::string_view line : Split(text, '\n')) {
      const std::vector<std::string_view> words = SplitWords(line);
      if (words.size() != 2 || words[0] != "default") continue;
      for (const std::string& entry : entries) {
        const std::string name = entry.substr(entry.rfind('/') + 1);
        if (name == words[1] || name == std::string(words[1]) + ".conf") return entry;
      }
    }
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "which-entry",
                   absl::StrFormat("systemd-boot has %d entries in loader/entries and no "
                                   "loader.conf that names one of them as the default, so that "
                                   "which one it starts is not known.",
                                   entries.size()),
                   "Leave one entry in the image, or name it: default NAME.conf");
}

absl::StatusOr<Loader> FindLoader(const Files& files, const std::string& esp,
                                  const std::string& architecture) {
  const auto list_below = [&](std::string_view folder, std::string_view suffix) {
    const std::optional<std::string> path = FindIgnoringCase(files, esp, folder);
    return path.has_value() ? ListWithSuffix(files, *path, suffix) : std::vector<std::string>();
  };
  const bool has_entries = !list_below("loader/entries", ".conf").empty();
  const bool has_loader_conf = FindIgnoringCase(files, esp, "loader/loader.conf").has_value();
  const std::vector<std::string> unified = list_below("EFI/Linux", ".efi");
  const std::vector<std::string> stubs = FindGrubStubs(files, esp);
  const std::vector<std::string> systemd_boot = SystemdBootLoaders(files, esp, architecture);
  const std::vector<std::string> grub = GrubLoaders(files, esp, architecture);

  bool is_systemd_boot = has_entries || has_loader_conf || (stubs.empty() && !unified.empty());
  if (is_systemd_boot && !stubs.empty()) {
    // Configurations of both lie there: the program that the firmware would start decides.
    is_systemd_boot = !systemd_boot.empty() && IsSystemdBoot(files, systemd_boot.front());
  }
  if (is_systemd_boot) {
    if (!unified.empty()) {
      return MakeError(
          absl::StatusCode::kUnimplemented, "unsupported", "unified-kernel-image",
          absl::StrFormat("The ESP at %s boots a unified kernel image (%s): its command line is "
                          "sealed inside, so that it cannot be told which volume is its root.",
                          esp, unified.front().substr(esp.size() + 1)),
          "Use an image with a separate kernel and an entry in loader/entries.");
    }
    if (systemd_boot.empty()) {
      return NoLoader(esp, absl::StrFormat("it has a configuration of systemd-boot, but neither "
                                           "EFI/BOOT/BOOT%1$s.EFI nor "
                                           "EFI/systemd/systemd-boot%2$s.efi",
                                           absl::AsciiStrToUpper(architecture), architecture));
    }
    return Loader{.kind = LoaderKind::kSystemdBoot,
                  .file = FirmwarePath(esp, systemd_boot.front())};
  }
  if (stubs.empty()) {
    return NoLoader(esp,
                    "there is neither loader/entries/*.conf or loader/loader.conf (systemd-boot) "
                    "nor EFI/*/grub.cfg, boot/grub/grub.cfg or boot/grub2/grub.cfg (GRUB)");
  }
  if (grub.empty()) {
    return NoLoader(
        esp, absl::StrFormat("it has a configuration of GRUB (%1$s), but no EFI/BOOT/BOOT%2$s.EFI, "
                             "EFI/*/shim%3$s.efi or EFI/*/grub%3$s.efi",
                             stubs.front().substr(esp.size() + 1),
                             absl::AsciiStrToUpper(architecture), architecture));
  }
  return Loader{.kind = LoaderKind::kGrub, .file = FirmwarePath(esp, grub.front())};
}

}  // namespace trident
