// Options of the kernel that the Host Configuration adds to those of the image.
#ifndef TRIDENT_AGENT_BOOT_KERNEL_OPTIONS_H_
#define TRIDENT_AGENT_BOOT_KERNEL_OPTIONS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/boot/config_files.h"
#include "agent/boot/loader.h"
#include "agent/host/files.h"

namespace trident {

// What is added begins with a word that says how many follow: `trident.extra=2 panic=5 quiet`. By
// it they are found again, whatever the image's own options are; the kernel takes a name with a dot
// for a parameter of a module that is not there, and ignores it.
inline constexpr char kExtraOptionsMarker[] = "trident.extra=";
// Where the next grub-mkconfig of the system finds them.
inline constexpr char kGrubExtraOptions[] = "/etc/default/grub.d/zz-trident.cfg";

// Pure; each replaces what an earlier call added, and everything else stays byte by byte. Options
// are words without quotes (Format::kKernelOption).
std::string SetExtraOptions(std::string_view command_line, const std::vector<std::string>& options);
// Of every command that loads a Linux kernel. FAILED_PRECONDITION when the text is broken.
absl::StatusOr<std::string> SetGrubExtraOptions(std::string_view text,
                                                const std::vector<std::string>& options);
// An entry that starts no Linux kernel stays as it is.
std::string SetLoaderEntryExtraOptions(std::string_view text,
                                       const std::vector<std::string>& options);
// Of the last line that is no comment: /etc/kernel/cmdline.
std::string SetCommandLineFileExtraOptions(std::string_view text,
                                           const std::vector<std::string>& options);

// What such a call added.
std::vector<std::string> ExtraOptionsOf(std::string_view command_line);

struct KernelOptionsChange {
  BootConfigFile file;
  std::string old_text;
  std::string new_text;
};

// The boot configurations that SetKernelOptions would change, in the order in which they take
// effect at a start. FAILED_PRECONDITION when none of them starts a kernel that options could be
// given to.
absl::StatusOr<std::vector<KernelOptionsChange>> PlanKernelOptions(
    const Files& files, const Loader& loader, const std::string& esp, const std::string& root,
    const std::vector<std::string>& options);

// In all boot configurations of the system whose ESP and root are mounted at `esp` and `root`, also
// in those from which the next kernel's are made. `before_change` is called with each file before
// it is changed or made. Synced. Twice is the same as once.
absl::Status SetKernelOptions(
    Files& files, const Loader& loader, const std::string& esp, const std::string& root,
    const std::vector<std::string>& options,
    const std::function<absl::Status(const std::string& path)>& before_change);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_KERNEL_OPTIONS_H_
