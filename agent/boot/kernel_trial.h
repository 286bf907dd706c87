// Options of the kernel that one start tries before they are kept.
//
// What the boot loader reads stays as it is; a copy with the new options lies beside it:
//
//   grub.cfg                            begins with lines that turn to the copy, once
//   grub.cfg.trident-trial              the copy
//   EFI/trident-trial.env of the ESP    an environment block of GRUB that says whether to turn;
//   GRUB
//                                       clears it first. It can write to the ESP, whatever the
//                                       root is on
//   loader/entries/~trident-trial.conf  of systemd-boot, whose name comes last in its menu; it is
//                                       chosen by the firmware's variable LoaderEntryOneShot
//
// A kernel that does not come up with the options therefore costs one start: the next one has the
// old options. GRUB manual, "load_env", "save_env"; the Boot Loader Interface of systemd.
#ifndef TRIDENT_AGENT_BOOT_KERNEL_TRIAL_H_
#define TRIDENT_AGENT_BOOT_KERNEL_TRIAL_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/boot/loader.h"
#include "agent/host/files.h"
#include "agent/host/firmware.h"

namespace trident {

// What the trial adds to the command line: the options, and unless they say so themselves, that a
// kernel that panics starts the machine again.
std::vector<std::string> TrialOptions(std::vector<std::string> options);

// The kernel with this command line was started with these options, on trial or for good.
bool RunsWithOptions(std::string_view command_line, const std::vector<std::string>& options);

// Pure. The configuration of GRUB `name` (of the file, without folder) that turns to its copy; and
// without these lines again.
std::string AddGrubTrial(std::string_view text, std::string_view name);
std::string RemoveGrubTrial(std::string_view text);

// Makes the next start, and that one alone, use `options` instead of those that are there. False,
// and nothing is changed: this boot loader's configuration cannot be tried (entries that GRUB
// reads, several configurations of GRUB that start kernels, several entries of systemd-boot of
// which none is the default). `before_change` is called with each file before it is changed or
// made. Twice is the same as once.
absl::StatusOr<bool> PrepareKernelTrial(
    Files& files, Firmware& firmware, const Loader& loader, const std::string& esp,
    const std::string& root, const std::vector<std::string>& options,
    const std::function<absl::Status(const std::string& path)>& before_change);

// A file of the trial's, or a configuration of GRUB's, which is the same but for the trial. By its
// name.
bool IsOfKernelTrial(const std::string& path);

// Takes away what PrepareKernelTrial made, whether it was tried or not.
absl::Status EndKernelTrial(Files& files, const Loader& loader, const std::string& esp,
                            const std::string& root);

// Takes back the choice of the next start. Where there is no firmware to ask, there is none.
absl::Status DisarmKernelTrial(Firmware& firmware);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_KERNEL_TRIAL_H_
