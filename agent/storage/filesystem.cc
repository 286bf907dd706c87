#include "agent/storage/filesystem.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/storage/tool.h"
#include "agent/storage/uuid.h"
#include "common/base/error.h"

namespace trident {
namespace {

// FAT32 needs 65525 clusters; below this the tool chooses FAT12 or FAT16 by itself.
constexpr uint64_t kSmallestFat32 = 64 << 20;
// Where an xfs or btrfs is mounted while it grows.
constexpr char kGrowFolder[] = "/run/trident/grow";
constexpr char kExtTools[] = "e2fsprogs";
constexpr char kXfsTools[] = "xfsprogs";
constexpr char kBtrfsTools[] = "btrfs-progs";
constexpr char kFatTools[] = "dosfstools";
constexpr char kSwapTools[] = "util-linux";
// e2fsck(8): 0 clean, 1 everything repaired.
constexpr int kRepaired = 1;

bool IsExt(const std::string& type) { return type == "ext4" || type == "ext3" || type == "ext2"; }

absl::Status RunFilesystemTool(CommandRunner& commands, std::vector<std::string> argv,
                               const char* package, const std::string& attempt,
                               const Cancellation* cancellation) {
  return RunOrFail(commands, std::move(argv), package, "filesystem-tool", attempt, cancellation)
      .status();
}

// tune2fs and resize2fs refuse a file system that was not checked since it was last mounted.
absl::Status RepairExt(CommandRunner& commands, const std::string& device,
                       const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(
      const CommandResult result,
      RunTool(commands, {"e2fsck", "-f", "-p", device}, kExtTools, cancellation));
  if (result.exit_status == 0 || result.exit_status == kRepaired) return absl::OkStatus();
  return ToolFailed("filesystem-damaged", absl::StatusCode::kDataLoss,
                    "the file system on " + device + " is damaged beyond automatic repair", result);
}

}  // namespace

bool CanMakeFilesystem(const std::string& type) {
  return type == "ext4" || type == "xfs" || type == "btrfs" || type == "vfat" || type == "swap";
}

bool CanGrowFilesystem(const std::string& type) {
  return IsExt(type) || type == "xfs" || type == "btrfs";
}

absl::Status MakeFilesystem(CommandRunner& commands, const BlockDevices& devices,
                            const std::string& device, const std::string& type,
                            const std::string& uuid, const std::string& label,
                            const Cancellation* cancellation) {
  if (!CanMakeFilesystem(type)) {
    return MakeError(
        absl::StatusCode::kUnimplemented, "unsupported", "filesystem",
        absl::StrCat("file systems of type \"", type, "\" cannot be made (on ", device, ")"),
        "use ext4, xfs, btrfs, vfat or swap, or deploy an image that holds the file system");
  }
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t size, devices.Size(device));
  const std::string attempt = absl::StrCat("cannot make ", type, " on ", device);
  std::vector<std::string> argv;
  const char* package = kExtTools;
  if (type == "ext4") {
    argv = {"mkfs.ext4", "-F", "-q", "-U", uuid};
    if (!label.empty()) argv.insert(argv.end(), {"-L", label});
  } else if (type == "xfs") {
    package = kXfsTools;
    argv = {"mkfs.xfs", "-f", "-q", "-m", "uuid=" + uuid};
    if (!label.empty()) argv.insert(argv.end(), {"-L", label});
  } else if (type == "btrfs") {
    package = kBtrfsTools;
    argv = {"mkfs.btrfs", "-f", "-q", "-U", uuid};
    if (!label.empty()) argv.insert(argv.end(), {"-L", label});
  } else if (type == "vfat") {
    package = kFatTools;
    argv = {"mkfs.vfat"};
    if (size >= kSmallestFat32) argv.insert(argv.end(), {"-F", "32"});
    argv.insert(argv.end(), {"-i", FatSerialOf(uuid)});
    if (!label.empty()) argv.insert(argv.end(), {"-n", label});
  } else {
    package = kSwapTools;
    argv = {"mkswap", "-U", uuid};
    if (!label.empty()) argv.insert(argv.end(), {"-L", label});
  }
  argv.push_back(device);
  return RunFilesystemTool(commands, std::move(argv), package, attempt, cancellation);
}

std::string IdentityUuid(const std::string& type, const std::string& uuid) {
  return type == "vfat" ? FatSerialAsShown(FatSerialOf(uuid)) : uuid;
}

absl::StatusOr<FilesystemIdentity> SetFilesystemIdentity(CommandRunner& commands,
                                                         const BlockDevices& devices,
                                                         const std::string& device,
                                                         const std::string& uuid,
                                                         const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const Signature before, devices.Probe(device));
  if (!CanGrowFilesystem(before.type) && before.type != "vfat") {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "no-identity",
                     before.type.empty()
                         ? absl::StrCat("no file system that is known was found on ", device)
                         : absl::StrCat("the file system on ", device, " is ", before.type,
                                        ", which cannot be given a UUID of its own"),
                     "use an image of ext4, xfs, btrfs or vfat");
  }
  const FilesystemIdentity identity{before.type, before.uuid, IdentityUuid(before.type, uuid)};
  if (before.uuid == identity.uuid) return identity;
  const std::string attempt =
      absl::StrCat("cannot give the file system on ", device, " the UUID ", identity.uuid);
  if (before.type == "vfat") {
    TRIDENT_RETURN_IF_ERROR(RunFilesystemTool(
        commands, {"fatlabel", "-i", device, FatSerialOf(uuid)}, kFatTools, attempt, cancellation));
  } else if (before.type == "xfs") {
    TRIDENT_RETURN_IF_ERROR(RunFilesystemTool(commands, {"xfs_admin", "-U", uuid, device},
                                              kXfsTools, attempt, cancellation));
  } else if (before.type == "btrfs") {
    // -M: only the superblocks are written, not every block of metadata.
    TRIDENT_RETURN_IF_ERROR(RunFilesystemTool(commands, {"btrfstune", "-f", "-M", uuid, device},
                                              kBtrfsTools, attempt, cancellation));
  } else {
    TRIDENT_RETURN_IF_ERROR(RepairExt(commands, device, cancellation));
    TRIDENT_RETURN_IF_ERROR(RunFilesystemTool(commands, {"tune2fs", "-U", uuid, device}, kExtTools,
                                              attempt, cancellation));
  }
  TRIDENT_ASSIGN_OR_RETURN(const Signature after, devices.Probe(device));
  if (after.uuid != identity.uuid) {
    return MakeError(absl::StatusCode::kInternal, "storage", "filesystem-tool",
                     absl::StrCat(attempt, ": it still has ", after.uuid));
  }
  return identity;
}

absl::Status GrowFilesystem(CommandRunner& commands, const BlockDevices& devices, Files& files,
                            Mounts& mounts, const std::string& device,
                            const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const Signature signature, devices.Probe(device));
  const std::string attempt = "cannot grow the file system on " + device;
  if (IsExt(signature.type)) {
    TRIDENT_RETURN_IF_ERROR(RepairExt(commands, device, cancellation));
    return RunFilesystemTool(commands, {"resize2fs", device}, kExtTools, attempt, cancellation);
  }
  if (!CanGrowFilesystem(signature.type)) return absl::OkStatus();
  // xfs_growfs(8) and btrfs-filesystem(8) work on mounted file systems only. What an interruption
  // left is mounted no more.
  TRIDENT_RETURN_IF_ERROR(files.MakeDirectories(kGrowFolder, 0700));
  TRIDENT_RETURN_IF_ERROR(mounts.Unmount(kGrowFolder));
  TRIDENT_RETURN_IF_ERROR(Annotate(mounts.Mount(device, kGrowFolder, signature.type, {}), attempt));
  const bool xfs = signature.type == "xfs";
  const absl::Status grown = RunFilesystemTool(
      commands,
      xfs ? std::vector<std::string>{"xfs_growfs", kGrowFolder}
          : std::vector<std::string>{"btrfs", "filesystem", "resize", "max", kGrowFolder},
      xfs ? kXfsTools : kBtrfsTools, attempt, cancellation);
  const absl::Status unmounted = mounts.Unmount(kGrowFolder);
  return grown.ok() ? unmounted : grown;
}

absl::Status CheckFilesystem(CommandRunner& commands, const BlockDevices& devices,
                             const std::string& device, const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const Signature signature, devices.Probe(device));
  std::vector<std::string> argv;
  const char* package = kExtTools;
  if (IsExt(signature.type)) {
    argv = {"e2fsck", "-f", "-n", device};
  } else if (signature.type == "xfs") {
    argv = {"xfs_repair", "-n", device};
    package = kXfsTools;
  } else if (signature.type == "btrfs") {
    argv = {"btrfs", "check", "--readonly", device};
    package = kBtrfsTools;
  } else {
    return absl::OkStatus();
  }
  TRIDENT_ASSIGN_OR_RETURN(const CommandResult result,
                           RunTool(commands, std::move(argv), package, cancellation));
  if (result.exit_status == 0) return absl::OkStatus();
  return ToolFailed("filesystem-damaged", absl::StatusCode::kDataLoss,
                    "the file system on " + device + " is damaged", result);
}

}  // namespace trident
