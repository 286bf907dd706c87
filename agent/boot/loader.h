// The boot loader that an EFI system partition holds.
#ifndef TRIDENT_AGENT_BOOT_LOADER_H_
#define TRIDENT_AGENT_BOOT_LOADER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/host/files.h"

namespace trident {

enum class LoaderKind { kGrub, kSystemdBoot };

std::string_view LoaderKindName(LoaderKind kind);  // "GRUB", "systemd-boot"

struct Loader {
  LoaderKind kind = LoaderKind::kGrub;
  // As the firmware wants it: \EFI\BOOT\BOOTX64.EFI, with the letters' case as on the disk.
  std::string file;
  // Of an ESP that both volumes share: the folder that is this volume's alone, "EFI/trident-a", and
  // its entry of systemd-boot, "loader/entries/trident-a.conf". Empty: the whole ESP is the
  // volume's own.
  std::string folder = "";
  std::string entry = "";

  bool operator==(const Loader&) const = default;
};

// What this machine's firmware calls its processor: part of the names of loaders.
#if defined(__aarch64__)
inline constexpr char kFirmwareArchitecture[] = "aa64";
#else
inline constexpr char kFirmwareArchitecture[] = "x64";
#endif

// Looks at the ESP that is mounted at `esp`. Names are compared without case, as vfat does.
// FAILED_PRECONDITION says what was looked for; UNIMPLEMENTED for unified kernel images, whose
// command line is sealed.
absl::StatusOr<Loader> FindLoader(const Files& files, const std::string& esp,
                                  const std::string& architecture = kFirmwareArchitecture);

// The programs of GRUB, or shim, that `folder` holds, in the order in which they are preferred.
std::vector<std::string> GrubProgramsIn(const Files& files, const std::string& folder,
                                        const std::string& architecture = kFirmwareArchitecture);

// The path of `name` (components separated by "/") below `folder`, compared without case; nullopt
// when it is not there. An exact match wins.
std::optional<std::string> FindIgnoringCase(const Files& files, const std::string& folder,
                                            std::string_view name);

// Paths of the files in `folder` whose names end in `suffix`, in the order of their names; both are
// compared without case. Empty when there is no such folder.
std::vector<std::string> ListWithSuffix(const Files& files, const std::string& folder,
                                        std::string_view suffix);

// The path of the entry of systemd-boot on the ESP that it starts by itself: the only one, or the
// one that loader.conf names. FAILED_PRECONDITION, subkind "which-entry", when neither tells.
absl::StatusOr<std::string> FindDefaultEntry(const Files& files, const std::string& esp);

// Paths of the GRUB configurations on the ESP, in the order of their names.
std::vector<std::string> FindGrubStubs(const Files& files, const std::string& esp);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_LOADER_H_
