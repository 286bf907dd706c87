#include "agent/boot/kernel_trial.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/boot/config_files.h"
#include "agent/boot/kernel_options.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Kind = BootConfigFile::Kind;

constexpr char kPanicOption[] = "panic=10";  // seconds
constexpr char kSuffix[] = ".trident-trial";
constexpr char kEntryId[] = "~trident-trial.conf";
constexpr char kEnvironmentName[] = "trident-trial.env";
constexpr char kFirstLine[] = "# trident-trial: one start with other options of the kernel\n";
constexpr char kLastLine[] = "# trident-trial: end\n";
// GRUB writes into the block where it lies: 1024 bytes, filled up with '#'.
constexpr size_t kEnvironmentBytes = 1024;
constexpr uint32_t kEspMode = 0755;  // vfat has no other

bool IsGrub(const BootConfigFile& file) {
  return file.kind == Kind::kGrubStub || file.kind == Kind::kGrubConfig;
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string ArmedEnvironment() {
  std::string block = "# GRUB Environment Block\ntrident_trial=1\n";
  block.resize(kEnvironmentBytes, '#');
  return block;
}

// It is in every ESP: the boot loader lies there.
absl::StatusOr<std::string> EnvironmentPath(const Files& files, const std::string& esp) {
  const std::optional<std::string> folder = FindIgnoringCase(files, esp, "EFI");
  if (!folder) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "no-boot-loader",
                     absl::StrCat("There is no folder EFI on the EFI system partition at ", esp));
  }
  return absl::StrCat(*folder, "/", kEnvironmentName);
}

// Without sort-key, which would put it before entries that have none. Boot Loader Specification,
// "Sorting".
std::string TrialEntry(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : Split(text, '\n')) {
    const std::vector<std::string_view> words = SplitWords(line);
    if (words.empty() || words[0] != "sort-key") lines.emplace_back(line);
  }
  return absl::StrJoin(lines, "\n");
}

class Trial {
 public:
  Trial(Files& files, Firmware& firmware, const std::string& esp,
        const std::function<absl::Status(const std::string&)>& before_change)
      : files_(files), firmware_(firmware), esp_(esp), before_change_(before_change) {}

  absl::Status OfGrub(const KernelOptionsChange& change) {
    const std::string& path = change.file.path;
    // As private as the file that it is a copy of: there may be a password in it.
    TRIDENT_ASSIGN_OR_RETURN(const FileFacts facts, files_.Facts(path));
    TRIDENT_RETURN_IF_ERROR(Write(path + kSuffix, change.new_text, facts.mode));
    TRIDENT_RETURN_IF_ERROR(Write(path, AddGrubTrial(change.old_text, NameOf(path)), 0));
    TRIDENT_RETURN_IF_ERROR(files_.SyncFileSystem(path));
    TRIDENT_ASSIGN_OR_RETURN(const std::string environment, EnvironmentPath(files_, esp_));
    TRIDENT_RETURN_IF_ERROR(Write(environment, ArmedEnvironment(), kEspMode));
    return files_.SyncFileSystem(esp_);
  }

  absl::Status OfSystemdBoot(const KernelOptionsChange& change) {
    const std::string path = absl::StrCat(FolderOf(change.file.path), "/", kEntryId);
    TRIDENT_RETURN_IF_ERROR(Write(path, TrialEntry(change.new_text), kEspMode));
    TRIDENT_RETURN_IF_ERROR(files_.SyncFileSystem(path));
    return Annotate(firmware_.SetLoaderEntry(LoaderChoice::kOneShot, kEntryId),
                    "Choosing the entry of systemd-boot for the next start");
  }

 private:
  absl::Status Write(const std::string& path, const std::string& text, uint32_t mode) {
    TRIDENT_RETURN_IF_ERROR(before_change_(path));
    return Annotate(files_.Write(path, text, mode), "prepare the trial of the kernel's options");
  }

  Files& files_;
  Firmware& firmware_;
  const std::string& esp_;
  const std::function<absl::Status(const std::string&)>& before_change_;
};

bool IsEntry(const KernelOptionsChange& change) { return change.file.kind == Kind::kLoaderEntry; }

// The one that systemd-boot starts by itself. No value: nothing tells.
absl::StatusOr<std::optional<KernelOptionsChange>> EntryToTry(
    const Files& files, const Firmware& firmware, const std::string& esp,
    const std::vector<KernelOptionsChange>& changes) {
  std::vector<KernelOptionsChange> entries;
  std::copy_if(changes.begin(), changes.end(), std::back_inserter(entries), IsEntry);
  if (entries.size() > 1) {
    // The firmware's variable counts before the configuration.
    TRIDENT_ASSIGN_OR_RETURN(std::string name, firmware.LoaderEntry(LoaderChoice::kDefault));
    if (name.empty()) name = NameOf(FindDefaultEntry(files, esp).value_or(""));
    std::erase_if(entries, [&name](const KernelOptionsChange& change) {
      return !EqualsIgnoringCase(NameOf(change.file.path), name);
    });
  }
  std::optional<KernelOptionsChange> entry;
  if (!entries.empty()) entry = std::move(entries.front());
  return entry;
}

}  // namespace

std::vector<std::string> TrialOptions(std::vector<std::string> options) {
  const bool has_panic = std::any_of(options.begin(), options.end(), [](const std::string& option) {
    return option.starts_with("panic=");
  });
  if (!has_panic) options.emplace_back(kPanicOption);
  return options;
}

bool RunsWithOptions(std::string_view command_line, const std::vector<std::string>& options) {
  const std::vector<std::string> found = ExtraOptionsOf(command_line);
  return found == options || found == TrialOptions(options);
}

std::string AddGrubTrial(std::string_view text, std::string_view name) {
  const std::string block =
      absl::StrCat("($trident_trial_esp)/EFI/", kEnvironmentName, " trident_trial");
  return absl::StrCat(kFirstLine, "search --no-floppy --file --set=trident_trial_esp /EFI/",
                      kEnvironmentName, "\nload_env --file ", block,
                      "\nif [ \"${trident_trial}\" = \"1\" ]; then\n  set trident_trial=0\n",
                      // What cannot be cleared would be tried again and again.
                      "  if save_env --file ", block, "; then\n    configfile ",
                      "${config_directory}/", std::string(name), kSuffix, "\n  fi\nfi\n", kLastLine,
                      RemoveGrubTrial(text));
}

std::string RemoveGrubTrial(std::string_view text) {
  const size_t begin = text.find(kFirstLine);
  const size_t end = begin == std::string_view::npos ? begin : text.find(kLastLine, begin);
  if (end == std::string_view::npos) return std::string(text);
  return absl::StrCat(std::string(text.substr(0, begin)),
                      std::string(text.substr(end + std::string_view(kLastLine).size())));
}

absl::StatusOr<bool> PrepareKernelTrial(
    Files& files, Firmware& firmware, const Loader& loader, const std::string& esp,
    const std::string& root, const std::vector<std::string>& options,
    const std::function<absl::Status(const std::string& path)>& before_change) {
  // One that was prepared before would be taken for the system's own configuration.
  TRIDENT_RETURN_IF_ERROR(EndKernelTrial(files, loader, esp, root));
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<KernelOptionsChange> changes,
                           PlanKernelOptions(files, loader, esp, root, TrialOptions(options)));
  Trial trial(files, firmware, esp, before_change);
  if (loader.kind == LoaderKind::kGrub) {
    // The first configuration would use up what another one waits for; entries it would not see.
    const auto is_grub = [](const KernelOptionsChange& change) { return IsGrub(change.file); };
    const bool has_entry = std::any_of(changes.begin(), changes.end(), IsEntry);
    if (has_entry || std::count_if(changes.begin(), changes.end(), is_grub) != 1) return false;
    TRIDENT_RETURN_IF_ERROR(trial.OfGrub(*std::find_if(changes.begin(), changes.end(), is_grub)));
    return true;
  }
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<KernelOptionsChange> entry,
                           EntryToTry(files, firmware, esp, changes));
  if (!entry) return false;
  TRIDENT_RETURN_IF_ERROR(trial.OfSystemdBoot(*entry));
  return true;
}

absl::Status EndKernelTrial(Files& files, const Loader& loader, const std::string& esp,
                            const std::string& root) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<BootConfigFile> configs,
                           FindBootConfigFiles(files, loader, esp, root));
  for (const BootConfigFile& file : configs) {
    if (file.kind == Kind::kLoaderEntry) {
      TRIDENT_RETURN_IF_ERROR(files.Remove(absl::StrCat(FolderOf(file.path), "/", kEntryId)));
    }
    if (!IsGrub(file)) continue;
    TRIDENT_ASSIGN_OR_RETURN(const std::string text, files.Read(file.path));
    const std::string without = RemoveGrubTrial(text);
    if (without != text) TRIDENT_RETURN_IF_ERROR(files.Write(file.path, without, 0));
    TRIDENT_RETURN_IF_ERROR(files.Remove(file.path + kSuffix));
  }
  if (loader.kind != LoaderKind::kGrub) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(const std::string environment, EnvironmentPath(files, esp));
  return files.Remove(environment);
}

bool IsOfKernelTrial(const std::string& path) {
  const std::string name = NameOf(path);
  return name == "grub.cfg" || name.ends_with(kSuffix) || name == kEntryId ||
         name == kEnvironmentName;
}

absl::Status DisarmKernelTrial(Firmware& firmware) {
  if (!firmware.Available()) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(const std::string entry, firmware.LoaderEntry(LoaderChoice::kOneShot));
  if (entry != kEntryId) return absl::OkStatus();
  return Annotate(firmware.SetLoaderEntry(LoaderChoice::kOneShot, ""),
                  "Removing systemd-boot's choice for the next start");
}

}  // namespace trident
