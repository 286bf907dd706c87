#include "agent/storage/filesystem.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/storage/uuid.h"
#include "common/base/error.h"

namespace trident {
namespace {

// A check of a large, slow disk takes its time.
constexpr std::chrono::hours kToolLimit{1};
// FAT32 needs 65525 clusters; below this the tool chooses FAT12 or FAT16 by itself.
constexpr uint64_t kSmallestFat32 = 64 << 20;
constexpr char kExtTools[] = "e2fsprogs";
constexpr char kFatTools[] = "dosfstools";
constexpr char kSwapTools[] = "util-linux";
// e2fsck(8): 0 clean, 1 everything repaired.
constexpr int kRepaired = 1;

bool IsExt(const std::string& type) { return type == "ext4" || type == "ext3" || type == "ext2"; }

absl::StatusOr<CommandResult> RunTool(CommandRunner& commands, std::vector<std::string> argv,
                                      const char* package, const Cancellation* cancellation) {
  Command command;
  command.argv = std::move(argv);
  command.timeout = kToolLimit;
  command.cancellation = cancellation;
  auto result = commands.Run(command);
  if (absl::IsNotFound(result.status())) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "tool-missing",
                     absl::StrCat("the program ", command.argv[0], " is not there"),
                     absl::StrCat("install the package ", package, " where the agent runs"));
  }
  return result;
}

absl::Status ToolFailed(const char* subkind, absl::StatusCode code, const std::string& attempt,
                        const CommandResult& result) {
  // The last words of the tool; it may have said much before.
  constexpr size_t kMost = 512;
  std::string said(absl::StripAsciiWhitespace(result.error_output.empty() ? result.output
                                                                          : result.error_output));
  if (said.size() > kMost) said = "... " + said.substr(said.size() - kMost);
  return MakeError(
      code, "storage", subkind,
      absl::StrCat(attempt, ": exit status ", result.exit_status, said.empty() ? "" : ": ", said));
}

absl::Status RunOrFail(CommandRunner& commands, std::vector<std::string> argv, const char* package,
                       const std::string& attempt, const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const CommandResult result,
                           RunTool(commands, std::move(argv), package, cancellation));
  if (result.exit_status == 0) return absl::OkStatus();
  return ToolFailed("filesystem-tool", absl::StatusCode::kInternal, attempt, result);
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
  return type == "ext4" || type == "vfat" || type == "swap";
}

absl::Status MakeFilesystem(CommandRunner& commands, const BlockDevices& devices,
                            const std::string& device, const std::string& type,
                            const std::string& uuid, const std::string& label,
                            const Cancellation* cancellation) {
  if (!CanMakeFilesystem(type)) {
    return MakeError(
        absl::StatusCode::kUnimplemented, "unsupported", "filesystem",
        absl::StrCat("file systems of type \"", type, "\" cannot be made (on ", device, ")"),
        "use ext4, vfat or swap, or deploy an image that holds the file system");
  }
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t size, devices.Size(device));
  const std::string attempt = absl::StrCat("cannot make ", type, " on ", device);
  std::vector<std::string> argv;
  const char* package = kExtTools;
  if (type == "ext4") {
    argv = {"mkfs.ext4", "-F", "-q", "-U", uuid};
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
  return RunOrFail(commands, std::move(argv), package, attempt, cancellation);
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
  if (!IsExt(before.type) && before.type != "vfat") {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "no-identity",
                     before.type.empty()
                         ? absl::StrCat("no file system that is known was found on ", device)
                         : absl::StrCat("the file system on ", device, " is ", before.type,
                                        ", which cannot be given a UUID of its own"),
                     "use an image of ext4 or vfat");
  }
  const FilesystemIdentity identity{before.type, before.uuid, IdentityUuid(before.type, uuid)};
  if (before.uuid == identity.uuid) return identity;
  const std::string attempt =
      absl::StrCat("cannot give the file system on ", device, " the UUID ", identity.uuid);
  if (before.type == "vfat") {
    TRIDENT_RETURN_IF_ERROR(RunOrFail(commands, {"fatlabel", "-i", device, FatSerialOf(uuid)},
                                      kFatTools, attempt, cancellation));
  } else {
    TRIDENT_RETURN_IF_ERROR(RepairExt(commands, device, cancellation));
    TRIDENT_RETURN_IF_ERROR(
        RunOrFail(commands, {"tune2fs", "-U", uuid, device}, kExtTools, attempt, cancellation));
  }
  TRIDENT_ASSIGN_OR_RETURN(const Signature after, devices.Probe(device));
  if (after.uuid != identity.uuid) {
    return MakeError(absl::StatusCode::kInternal, "storage", "filesystem-tool",
                     absl::StrCat(attempt, ": it still has ", after.uuid));
  }
  return identity;
}

absl::Status GrowFilesystem(CommandRunner& commands, const BlockDevices& devices,
                            const std::string& device, const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const Signature signature, devices.Probe(device));
  if (!IsExt(signature.type)) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(RepairExt(commands, device, cancellation));
  return RunOrFail(commands, {"resize2fs", device}, kExtTools,
                   "cannot grow the file system on " + device, cancellation);
}

absl::Status CheckFilesystem(CommandRunner& commands, const BlockDevices& devices,
                             const std::string& device, const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const Signature signature, devices.Probe(device));
  if (!IsExt(signature.type)) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(
      const CommandResult result,
      RunTool(commands, {"e2fsck", "-f", "-n", device}, kExtTools, cancellation));
  if (result.exit_status == 0) return absl::OkStatus();
  return ToolFailed("filesystem-damaged", absl::StatusCode::kDataLoss,
                    "the file system on " + device + " is damaged", result);
}

}  // namespace trident
