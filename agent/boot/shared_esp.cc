#include "agent/boot/shared_esp.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "agent/boot/boot_entries.h"
#include "agent/boot/grub_image.h"
#include "agent/boot/loader_entry.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr uint64_t kProgramLimit = 64 << 20;  // bytes
constexpr uint32_t kFileMode = 0755;          // vfat has no other

std::string FolderOf(Volume volume) { return "EFI/" + BootEntryLabel(volume); }
std::string EntryIdOf(Volume volume) { return BootEntryLabel(volume) + ".conf"; }
std::string EntryFileOf(Volume volume) { return "loader/entries/" + EntryIdOf(volume); }

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.find_last_of("/\\") + 1));
}

std::string FirmwarePath(std::string_view path) {
  return "\\" + absl::StrReplaceAll(std::string(path), {{"/", "\\"}});
}

absl::Status Refuse(std::string_view subkind, std::string message, std::string remedy) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "boot", subkind, std::move(message),
                   std::move(remedy));
}

class Installer {
 public:
  Installer(Files& files, const std::string& image, const std::string& esp, Volume volume,
            const std::string& architecture)
      : files_(files),
        image_(image),
        esp_(esp),
        volume_(volume),
        architecture_(architecture),
        folder_(absl::StrCat(esp, "/", FolderOf(volume))) {}

  absl::Status Install() {
    TRIDENT_ASSIGN_OR_RETURN(const Loader loader, FindLoader(files_, image_, architecture_));
    const std::string path = absl::StrReplaceAll(loader.file, {{"\\", "/"}});
    const auto program = FindIgnoringCase(files_, image_, path);
    if (!program.has_value()) {
      return MakeError(absl::StatusCode::kInternal, "internal", "loader-gone",
                       absl::StrCat("the boot loader ", path, " of the image is gone"));
    }
    TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(folder_, kFileMode));
    TRIDENT_RETURN_IF_ERROR(loader.kind == LoaderKind::kGrub ? InstallGrub(*program)
                                                             : InstallSystemdBoot(*program));
    return files_.SyncFileSystem(esp_);
  }

  absl::Status Remove() {
    TRIDENT_RETURN_IF_ERROR(files_.Remove(absl::StrCat(esp_, "/", EntryFileOf(volume_))));
    return RemoveTree(files_, folder_);
  }

 private:
  // Copies and reads back.
  absl::Status Copy(const std::string& from, const std::string& to) {
    TRIDENT_RETURN_IF_ERROR(files_.Copy(from, to, kFileMode));
    TRIDENT_ASSIGN_OR_RETURN(const std::string wanted, files_.DigestOnMedium(from));
    TRIDENT_ASSIGN_OR_RETURN(const std::string found, files_.DigestOnMedium(to));
    if (wanted == found) return absl::OkStatus();
    return MakeError(absl::StatusCode::kDataLoss, "boot", "read-back",
                     absl::StrCat(to, " reads back differently from what was written"),
                     "Check the disk: its EFI system partition does not keep what is written.");
  }

  absl::Status CopyFolder(const std::string& from, const std::string& to) {
    TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(to, kFileMode));
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(from));
    for (const std::string& name : names) {
      const std::string source = absl::StrCat(from, "/", name);
      const std::string target = absl::StrCat(to, "/", name);
      TRIDENT_RETURN_IF_ERROR(files_.IsDirectory(source) ? CopyFolder(source, target)
                                                         : Copy(source, target));
    }
    return absl::OkStatus();
  }

  // shim starts the GRUB that lies beside it, so that any GRUB of the folder counts.
  absl::Status CheckGrub(const std::string& from) {
    bool is_grub = false;
    for (const std::string& path : ListWithSuffix(files_, from, ".efi")) {
      TRIDENT_ASSIGN_OR_RETURN(const std::string program, files_.Read(path, kProgramLimit));
      const std::optional<GrubImage> grub = ReadGrubImage(program);
      if (!grub.has_value()) continue;
      is_grub = true;
      if (FindsConfigurationBesideItself(*grub)) continue;
      return Refuse("grub-elsewhere",
                    absl::StrFormat("%s of the ESP image looks for its configuration in %s, which "
                                    "both volumes would share on one EFI system partition.",
                                    BaseName(path), grub->prefix),
                    "Build it with an empty prefix (grub-mkimage --prefix '') or with a "
                    "configuration that uses $cmdpath, or make the EFI system partition a volume "
                    "pair.");
    }
    if (is_grub) return absl::OkStatus();
    return Refuse("no-grub", "The folder of the ESP image's boot loader holds no GRUB program.",
                  "Put GRUB beside its grub.cfg, or make the EFI system partition a volume pair.");
  }

  absl::Status InstallGrub(const std::string& program) {
    const std::string from = program.substr(0, program.rfind('/'));
    TRIDENT_RETURN_IF_ERROR(CheckGrub(from));
    if (!FindIgnoringCase(files_, from, "grub.cfg").has_value()) {
      return Refuse("grub-elsewhere",
                    absl::StrFormat("The ESP image has no grub.cfg beside %s, where GRUB has to "
                                    "find it on an EFI system partition that both volumes share.",
                                    BaseName(program)),
                    "Put grub.cfg into the folder of the loader.");
    }
    TRIDENT_RETURN_IF_ERROR(CopyFolder(from, folder_));
    if (HasFallback()) return absl::OkStatus();
    return CopyFolder(from, absl::StrCat(esp_, "/EFI/BOOT"));
  }

  bool HasFallback() const {
    return FindIgnoringCase(files_, esp_, absl::StrCat("EFI/BOOT/BOOT", architecture_, ".EFI"))
        .has_value();
  }

  absl::Status InstallSystemdBoot(const std::string& program) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string entry, FindDefaultEntry(files_, image_));
    TRIDENT_RETURN_IF_ERROR(Copy(program, absl::StrCat(folder_, "/", BaseName(program))));
    TRIDENT_ASSIGN_OR_RETURN(std::string text, files_.Read(entry));
    // Kernel and initrds go along; the entry names their new places.
    const LoaderEntry named = ReadLoaderEntry(text);
    std::vector<std::string> paths = named.initrds;
    if (!named.linux_path.empty()) paths.push_back(named.linux_path);
    if (!named.efi_path.empty()) paths.push_back(named.efi_path);
    for (const std::string& path : paths) {
      const auto source = FindIgnoringCase(files_, image_, path);
      if (!source.has_value()) {
        return Refuse("boot-file-missing",
                      absl::StrFormat("%s of the ESP image names %s, which is not there.",
                                      BaseName(entry), path),
                      "Correct the image: the target would not start.");
      }
      // With its folders, so that files of equal names stay apart.
      const std::string inner = absl::StrCat("/", FolderOf(volume_), "/", Trimmed(path));
      const std::string target = absl::StrCat(esp_, inner);
      TRIDENT_RETURN_IF_ERROR(
          files_.MakeDirectories(target.substr(0, target.rfind('/')), kFileMode));
      TRIDENT_RETURN_IF_ERROR(Copy(*source, target));
      text = ReplacePath(text, path, inner);
    }
    TRIDENT_RETURN_IF_ERROR(
        files_.MakeDirectories(absl::StrCat(esp_, "/loader/entries"), kFileMode));
    TRIDENT_RETURN_IF_ERROR(KeepLoaderConfiguration());
    TRIDENT_RETURN_IF_ERROR(
        files_.Write(absl::StrCat(esp_, "/", EntryFileOf(volume_)), text, kFileMode));
    if (HasFallback()) return absl::OkStatus();
    TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(absl::StrCat(esp_, "/EFI/BOOT"), kFileMode));
    return Copy(program,
                absl::StrCat(esp_, "/EFI/BOOT/BOOT", absl::AsciiStrToUpper(architecture_), ".EFI"));
  }

  // Both volumes read it: it stays as the installation left it.
  absl::Status KeepLoaderConfiguration() {
    if (FindIgnoringCase(files_, esp_, "loader/loader.conf").has_value()) return absl::OkStatus();
    std::string kept;
    if (const auto path = FindIgnoringCase(files_, image_, "loader/loader.conf")) {
      TRIDENT_ASSIGN_OR_RETURN(const std::string text, files_.Read(*path));
      for (const std::string_view line : Split(text, '\n')) {
        // The choice lies in the firmware's variables.
        if (SplitWords(line).empty() || SplitWords(line)[0] == "default") continue;
        absl::StrAppend(&kept, std::string(line), "\n");
      }
    }
    return files_.Write(absl::StrCat(esp_, "/loader/loader.conf"), kept, kFileMode);
  }

  static std::string Trimmed(std::string_view path) {
    while (ConsumePrefix(path, "/") || ConsumePrefix(path, "\\")) {
    }
    return absl::StrReplaceAll(std::string(path), {{"\\", "/"}});
  }

  // In the lines that name files.
  static std::string ReplacePath(const std::string& text, const std::string& old_path,
                                 const std::string& new_path) {
    std::vector<std::string> lines;
    for (const std::string_view line : Split(text, '\n')) {
      const std::vector<std::string_view> words = SplitWords(line);
      const bool names_file = words.size() >= 2 && words[1] == old_path &&
                              (words[0] == "linux" || words[0] == "initrd" || words[0] == "efi");
      lines.push_back(names_file ? absl::StrCat(std::string(words[0]), " ", new_path)
                                 : std::string(line));
    }
    return absl::StrJoin(lines, "\n");
  }

  Files& files_;
  const std::string& image_;
  const std::string& esp_;
  const Volume volume_;
  const std::string& architecture_;
  const std::string folder_;
};

bool IsOurs(const std::string& entry) {
  return entry == EntryIdOf(Volume::kA) || entry == EntryIdOf(Volume::kB);
}

}  // namespace

absl::Status InstallVolumeLoader(Files& files, const std::string& image, const std::string& esp,
                                 Volume volume, const std::string& architecture) {
  Installer installer(files, image, esp, volume, architecture);
  TRIDENT_RETURN_IF_ERROR(installer.Remove());
  const absl::Status installed = installer.Install();
  if (!installed.ok()) {
    // Half a loader must not take the room of the next one. The cause is what counts.
    installer.Remove().IgnoreError();
  }
  return Annotate(installed, "put the boot loader on the EFI system partition");
}

absl::StatusOr<Loader> FindVolumeLoader(const Files& files, const std::string& esp, Volume volume,
                                        const std::string& architecture) {
  const std::string folder = FolderOf(volume);
  const auto path = FindIgnoringCase(files, esp, folder);
  Loader loader{.kind = LoaderKind::kGrub, .file = "", .folder = folder, .entry = ""};
  std::vector<std::string> programs;
  if (path.has_value()) {
    if (FindIgnoringCase(files, esp, EntryFileOf(volume)).has_value()) {
      loader.kind = LoaderKind::kSystemdBoot;
      loader.entry = EntryFileOf(volume);
      for (const std::string& name : {absl::StrCat("BOOT", architecture, ".EFI"),
                                      absl::StrCat("systemd-boot", architecture, ".efi")}) {
        if (auto found = FindIgnoringCase(files, *path, name)) programs.push_back(*found);
      }
    } else {
      programs = GrubProgramsIn(files, *path, architecture);
    }
  }
  if (programs.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "boot", "no-boot-loader",
                     absl::StrFormat("There is no boot loader of %s on the EFI system partition "
                                     "at %s (%s).",
                                     VolumeName(volume), esp, folder),
                     "Update the host once more: that writes it anew.");
  }
  loader.file = FirmwarePath(absl::StrCat(folder, "/", BaseName(programs.front())));
  return loader;
}

absl::Status ArmVolumeEntry(Firmware& firmware, const Loader& loader, bool clean_install) {
  if (loader.entry.empty()) return absl::OkStatus();
  const LoaderChoice choice = clean_install ? LoaderChoice::kDefault : LoaderChoice::kOneShot;
  return Annotate(firmware.SetLoaderEntry(choice, BaseName(loader.entry)),
                  "Choosing the entry of systemd-boot for the next start");
}

absl::Status CommitVolumeEntry(const Files& files, Firmware& firmware, const std::string& esp,
                               Volume active) {
  TRIDENT_ASSIGN_OR_RETURN(const Loader loader, FindVolumeLoader(files, esp, active));
  TRIDENT_RETURN_IF_ERROR(DisarmVolumeEntry(firmware));
  if (loader.kind == LoaderKind::kSystemdBoot) {
    return Annotate(firmware.SetLoaderEntry(LoaderChoice::kDefault, EntryIdOf(active)),
                    "Making the running volume's entry the default of systemd-boot");
  }
  return absl::OkStatus();
}

absl::Status PointFallbackAt(Files& files, const std::string& esp, Volume active) {
  TRIDENT_ASSIGN_OR_RETURN(const Loader loader, FindVolumeLoader(files, esp, active));
  const auto fallback = FindIgnoringCase(files, esp, "EFI/BOOT");
  // systemd-boot there reads the entries of both.
  if (loader.kind == LoaderKind::kSystemdBoot || !fallback.has_value()) return absl::OkStatus();
  const std::string wanted = absl::StrCat("configfile /", loader.folder, "/grub.cfg\n");
  const std::string path = absl::StrCat(*fallback, "/grub.cfg");
  if (files.Read(path).value_or("") == wanted) return absl::OkStatus();
  return files.Write(path, wanted, kFileMode);
}

absl::Status DisarmVolumeEntry(Firmware& firmware) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string entry, firmware.LoaderEntry(LoaderChoice::kOneShot));
  if (!IsOurs(entry)) return absl::OkStatus();
  return Annotate(firmware.SetLoaderEntry(LoaderChoice::kOneShot, ""),
                  "Removing systemd-boot's choice for the next start");
}

}  // namespace trident
