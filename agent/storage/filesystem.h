// Making, checking, growing and naming file systems. All of it may be done twice.
#ifndef TRIDENT_AGENT_STORAGE_FILESYSTEM_H_
#define TRIDENT_AGENT_STORAGE_FILESYSTEM_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/host/mounts.h"

namespace trident {

// Errors of all of them: kind "storage". A tool that is not there: FAILED_PRECONDITION, subkind
// "tool-missing", whose remedy names the Debian package.

// MakeFilesystem can make it: ext4, xfs, btrfs, vfat, swap. Pure.
bool CanMakeFilesystem(const std::string& type);

// Makes a file system over whatever is there. `uuid` as of DeriveUuid; vfat takes its FatSerialOf.
// `label` may be empty. Another type: UNIMPLEMENTED, naming it.
absl::Status MakeFilesystem(CommandRunner& commands, const BlockDevices& devices,
                            const std::string& device, const std::string& type,
                            const std::string& uuid, const std::string& label = "",
                            const Cancellation* cancellation = nullptr);

struct FilesystemIdentity {
  std::string type;
  // As libblkid shows them: "ABCD-1234" for vfat. Equal when it had been done already.
  std::string previous_uuid;
  std::string uuid;

  bool operator==(const FilesystemIdentity&) const = default;
};

// The UUID, as libblkid shows it, that SetFilesystemIdentity gives a file system of this type.
// Pure.
std::string IdentityUuid(const std::string& type, const std::string& uuid);

// Gives a file system that came with an image a UUID of its own, after repairing what can be
// repaired without questions. FAILED_PRECONDITION, subkind "no-identity", when its type cannot be
// given one, or when there is no file system.
absl::StatusOr<FilesystemIdentity> SetFilesystemIdentity(
    CommandRunner& commands, const BlockDevices& devices, const std::string& device,
    const std::string& uuid, const Cancellation* cancellation = nullptr);

// GrowFilesystem has use for it. Pure.
bool CanGrowFilesystem(const std::string& type);

// Grows ext2, ext3, ext4, xfs and btrfs to the size of the device; the latter two are mounted for
// it, for a moment.
// Other types have no use for it: OK, untouched.
absl::Status GrowFilesystem(CommandRunner& commands, const BlockDevices& devices, Files& files,
                            Mounts& mounts, const std::string& device,
                            const Cancellation* cancellation = nullptr);

// Checks without writing. DATA_LOSS, subkind "filesystem-damaged". Types without a checker (all but
// ext2, ext3, ext4, xfs, btrfs): OK.
absl::Status CheckFilesystem(CommandRunner& commands, const BlockDevices& devices,
                             const std::string& device, const Cancellation* cancellation = nullptr);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_FILESYSTEM_H_
