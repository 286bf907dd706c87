#include "agent/storage/sysupdate.h"

#include "absl/strings/str_cat.h"
#include "agent/storage/tool.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr char kDefinitions[] = "/run/trident/sysupdate";
constexpr char kSubkind[] = "sysupdate";
// A whole image is fetched and written.
constexpr std::chrono::hours kLimit{6};

}  // namespace

std::string FormatTransfer(const SysupdateTransfer& transfer) {
  return absl::StrCat(
      "[Transfer]\nVerify=no\n\n[Source]\nType=", transfer.from_url ? "url-file" : "regular-file",
      "\nPath=", transfer.source,
      "\nMatchPattern=@v\n\n[Target]\nType=partition\nPath=", transfer.disk,
      "\nMatchPattern=@v\nMatchPartitionType=", transfer.partition_type, "\nReadOnly=no\n");
}

absl::Status RunSysupdate(CommandRunner& commands, Files& files, const SysupdateTransfer& transfer,
                          const std::string& version, const std::function<void()>& alive,
                          const Cancellation* cancellation) {
  TRIDENT_RETURN_IF_ERROR(files.MakeDirectories(kDefinitions, 0700));
  TRIDENT_RETURN_IF_ERROR(files.Write(absl::StrCat(kDefinitions, "/transfer-file.conf"),
                                      FormatTransfer(transfer), 0600));
  Command command;
  command.argv = {kSysupdateProgram, "update", version, "--definitions", kDefinitions};
  command.timeout = kLimit;
  command.cancellation = cancellation;
  command.on_output = [&](std::string_view) { alive(); };
  const absl::StatusOr<CommandResult> result = commands.Run(command);
  if (absl::IsNotFound(result.status())) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "storage", "tool-missing",
        absl::StrCat("there is no ", kSysupdateProgram, " on this system"),
        "Install the package systemd-container (Debian 13), or use the native engine.");
  }
  TRIDENT_RETURN_IF_ERROR(result.status());
  if (result->exit_status == 0) return absl::OkStatus();
  return ToolFailed(kSubkind, absl::StatusCode::kInternal,
                    absl::StrCat("systemd-sysupdate cannot write ", version, " to a partition of ",
                                 transfer.disk),
                    *result);
}

absl::Status SetPartitionLabel(CommandRunner& commands, const std::string& disk, uint32_t number,
                               const std::string& label, const Cancellation* cancellation) {
  const std::string attempt =
      absl::StrCat("cannot label partition ", number, " of ", disk, " as '", label, "'");
  // Other partitions of the disk are in use, which sfdisk would refuse by itself.
  TRIDENT_RETURN_IF_ERROR(RunOrFail(commands,
                                    {"sfdisk", "--quiet", "--force", "--no-tell-kernel",
                                     "--part-label", disk, absl::StrCat(number), label},
                                    "fdisk", kSubkind, attempt, cancellation)
                              .status());
  return absl::OkStatus();
}

}  // namespace trident
