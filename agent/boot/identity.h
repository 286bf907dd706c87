// How a volume finds itself: rewriting what the two volumes of a pair would share.
//
// Images written to A and B start out with the same file system UUID, label and configuration.
// Every file by which a boot loader or a kernel finds the root is made to name this volume alone.
#ifndef TRIDENT_AGENT_BOOT_IDENTITY_H_
#define TRIDENT_AGENT_BOOT_IDENTITY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/boot/boot_additions.h"
#include "agent/boot/kernel_command_line.h"
#include "agent/boot/loader.h"
#include "agent/host/files.h"
#include "agent/host/machine.h"

namespace trident {

struct RootIdentity {
  // The UUID that came with the image; empty when it is not known any more.
  std::string old_filesystem_uuid;
  // The one that the root has now.
  std::string new_filesystem_uuid;
  // Of the partition that holds the root. Empty when it is none (md, mapper): the root is then
  // found by its new file system UUID.
  std::string partition_uuid;
  // The same pairs (old, new) of further file systems of the volume, such as its /boot.
  std::vector<std::pair<std::string, std::string>> further_filesystem_uuids = {};
  // The device of a root that is found by neither, "/dev/mapper/root"; empty: it is found by one of
  // the UUIDs. The kernel must not be on it: no boot loader reads such a device.
  std::string device = {};
  // What further is added to the entries of the boot loader.
  BootAdditions additions = {};
};

// Rewrites, below the ESP (mounted at `esp`) and the root (mounted at `root`), which is where the
// target is mounted: configurations of GRUB on both, entries of systemd-boot, /etc/kernel/cmdline,
// /etc/default/grub and /etc/default/grub.d/*.cfg, grubenv. Nothing is written when one of them
// cannot be made to name this volume alone: FAILED_PRECONDITION, with the file. Synced. A second
// run changes nothing.
absl::Status RewriteRootIdentity(Files& files, const Loader& loader, const std::string& esp,
                                 const std::string& root, const RootIdentity& identity);

// The last look before the target is started: everything that RewriteRootIdentity would do is done,
// and the loader, the configurations, the kernels and the initrds that are named exist.
// FAILED_PRECONDITION names what is missing and who names it.
absl::Status CheckBootFiles(const Files& files, const Loader& loader, const std::string& esp,
                            const std::string& root, const RootIdentity& identity);

// The kernel that the loader would start by itself, for a restart that passes the loader by: GRUB's
// first, the entry of a shared ESP, or systemd-boot's default. Paths are those of the running
// system. FAILED_PRECONDITION when it is known to the loader only (variables, several entries).
absl::StatusOr<KernelToStart> DefaultKernel(const Files& files, const Loader& loader,
                                            const std::string& esp, const std::string& root);

// The kernel command lines that the loader would use, in the order of the menu, each once.
absl::StatusOr<std::vector<std::string>> KernelCommandLines(const Files& files,
                                                            const Loader& loader,
                                                            const std::string& esp,
                                                            const std::string& root);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_IDENTITY_H_
