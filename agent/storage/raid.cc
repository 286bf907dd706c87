#include "agent/storage/raid.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "agent/storage/tool.h"
#include "common/base/error.h"
#include "common/config/enum_names.h"

namespace trident {
namespace {

constexpr char kPackage[] = "mdadm";
constexpr char kSubkind[] = "raid-tool";
constexpr std::chrono::milliseconds kPoll{500};
constexpr std::chrono::minutes kStallLimit{5};
constexpr std::chrono::seconds kRebuildBegins{10};

// The word of mdadm(8) --level.
std::string LevelWord(RaidLevel level) {
  return absl::StrReplaceAll(std::string(EnumName(level)), {{"raid", ""}});
}

// A sysfs attribute without its newline; empty when there is none, as levels without redundancy
// have none about it. One that cannot be read is an error: it may be the one that tells of a loss.
absl::StatusOr<std::string> Attribute(const Files& files, const std::string& folder,
                                      const std::string& name) {
  const absl::StatusOr<std::string> text = files.Read(absl::StrCat(folder, "/", name));
  if (absl::IsNotFound(text.status())) return "";
  TRIDENT_RETURN_IF_ERROR(text.status());
  return std::string(absl::StripAsciiWhitespace(*text));
}

absl::Status Unreadable(const std::string& folder, const std::string& name,
                        const std::string& text) {
  return MakeError(absl::StatusCode::kInternal, "storage", "array-state",
                   absl::StrCat(folder, "/", name, " says '", text, "', which is not understood"));
}

}  // namespace

std::string MdUuid(const std::string& uuid) {
  const std::string digits = absl::AsciiStrToLower(absl::StrReplaceAll(uuid, {{"-", ""}}));
  return absl::StrCat(digits.substr(0, 8), ":", digits.substr(8, 8), ":", digits.substr(16, 8), ":",
                      digits.substr(24));
}

std::string ArrayPath(const std::string& md_uuid) {
  return absl::StrCat("/dev/disk/by-id/md-uuid-", md_uuid);
}

uint64_t ArraySize(RaidLevel level, uint64_t member, size_t count) {
  switch (level) {
    case RaidLevel::kRaid0:
      return member * count;
    case RaidLevel::kRaid1:
      return member;
    case RaidLevel::kRaid5:
      return member * (count - 1);
    case RaidLevel::kRaid6:
      return member * (count - 2);
    case RaidLevel::kRaid10:
      return member * count / 2;
  }
  return member;
}

absl::Status CreateArray(CommandRunner& commands, BlockDevices& devices, const ArraySpec& spec,
                         const Cancellation* cancellation) {
  const std::string path = ArrayPath(spec.md_uuid);
  if (devices.Size(path).ok()) return absl::OkStatus();
  for (const std::string& member : spec.member_paths) {
    // Opened for writing: refused when anybody uses it. What is left of an earlier array there
    // would make mdadm ask.
    TRIDENT_RETURN_IF_ERROR(devices.OpenForWriting(member).status());
  }
  // "any": no OS takes the array for that of another host, which would change its name.
  std::vector<std::string> argv = {"mdadm",
                                   "--create",
                                   absl::StrCat("/dev/md/", spec.name),
                                   "--run",
                                   "--quiet",
                                   absl::StrCat("--level=", LevelWord(spec.level)),
                                   absl::StrCat("--raid-devices=", spec.member_paths.size()),
                                   absl::StrCat("--metadata=", spec.metadata_version),
                                   absl::StrCat("--uuid=", spec.md_uuid),
                                   "--homehost=any"};
  argv.insert(argv.end(), spec.member_paths.begin(), spec.member_paths.end());
  TRIDENT_RETURN_IF_ERROR(RunOrFail(commands, std::move(argv), kPackage, kSubkind,
                                    absl::StrCat("cannot make the array \"", spec.name, "\""),
                                    cancellation)
                              .status());
  return devices.WaitForPath(path);
}

absl::Status AddMissingMembers(CommandRunner& commands, BlockDevices& devices, const Files& files,
                               const std::string& path,
                               const std::vector<std::string>& member_paths,
                               const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string kernel_path, files.Canonical(path));
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<ObservedArray> arrays, devices.Arrays());
  const auto array = std::find_if(arrays.begin(), arrays.end(), [&](const ObservedArray& known) {
    return known.path == kernel_path;
  });
  if (array == arrays.end()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "array-broken",
                     absl::StrCat("the array ", path, " does not run"));
  }
  for (const std::string& member : member_paths) {
    const auto device = files.Canonical(member);
    if (!device.ok()) continue;  // still away
    const bool known = std::any_of(array->members.begin(), array->members.end(),
                                   [&](const ArrayMember& other) { return other.path == *device; });
    if (known) continue;
    TRIDENT_RETURN_IF_ERROR(devices.OpenForWriting(member).status());
    TRIDENT_RETURN_IF_ERROR(
        RunOrFail(commands, {"mdadm", "--manage", kernel_path, "--add", *device}, kPackage,
                  kSubkind, absl::StrCat("cannot add ", member, " to the array ", path),
                  cancellation)
            .status());
  }
  return absl::OkStatus();
}

absl::Status RemoveArray(CommandRunner& commands, const BlockDevices& devices,
                         const std::string& kernel_path, const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<ObservedArray> arrays, devices.Arrays());
  const auto found = std::find_if(arrays.begin(), arrays.end(), [&](const ObservedArray& array) {
    return array.path == kernel_path;
  });
  if (found == arrays.end()) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(RunOrFail(commands, {"mdadm", "--stop", kernel_path}, kPackage, kSubkind,
                                    "cannot stop the array " + kernel_path, cancellation)
                              .status());
  for (const ArrayMember& member : found->members) {
    TRIDENT_RETURN_IF_ERROR(
        RunOrFail(commands, {"mdadm", "--zero-superblock", member.path}, kPackage, kSubkind,
                  "cannot erase the RAID superblock of " + member.path, cancellation)
            .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<ArrayHealth> ReadArrayHealth(const Files& files, const std::string& path) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string device, files.Canonical(path));
  const std::string folder =
      absl::StrCat("/sys/block/", device.substr(device.rfind('/') + 1), "/md");
  if (!files.IsDirectory(folder)) {
    return MakeError(absl::StatusCode::kNotFound, "storage", "no-such-array",
                     absl::StrCat(path, " (", device, ") is not a RAID array"));
  }
  ArrayHealth health;
  TRIDENT_ASSIGN_OR_RETURN(const std::string state, Attribute(files, folder, "array_state"));
  // "broken": a member of an array without redundancy is gone.
  health.running = !state.empty() && state != "clear" && state != "inactive" && state != "broken";
  TRIDENT_ASSIGN_OR_RETURN(const std::string degraded, Attribute(files, folder, "degraded"));
  if (!degraded.empty() && !absl::SimpleAtoi(degraded, &health.missing)) {
    return Unreadable(folder, "degraded", degraded);
  }
  TRIDENT_ASSIGN_OR_RETURN(health.sync_action, Attribute(files, folder, "sync_action"));
  if (health.sync_action.empty()) health.sync_action = "idle";
  TRIDENT_ASSIGN_OR_RETURN(const std::string completed, Attribute(files, folder, "sync_completed"));
  // "none", "delayed", or "1234 / 5678".
  const std::vector<std::string> words = absl::StrSplit(completed, ' ', absl::SkipEmpty());
  if (words.size() == 3 && (!absl::SimpleAtoi(words[0], &health.sync_done) ||
                            !absl::SimpleAtoi(words[2], &health.sync_total))) {
    return Unreadable(folder, "sync_completed", completed);
  }
  return health;
}

RaidArrayStatus::State StateOf(const ArrayHealth& health) {
  if (!health.running) return RaidArrayStatus::State::kFailed;
  if (health.missing > 0 || health.sync_action == "recover") {
    return RaidArrayStatus::State::kDegraded;
  }
  if (health.sync_action == "resync") return RaidArrayStatus::State::kCreated;
  return RaidArrayStatus::State::kReady;
}

absl::Status WaitUntilSynchronised(const Files& files, const std::vector<std::string>& paths,
                                   const std::function<void(uint64_t, uint64_t)>& progress,
                                   const Cancellation& cancellation) {
  using std::chrono::steady_clock;
  uint64_t best = 0;
  auto last_change = steady_clock::now();
  // The kernel begins to rebuild a moment after the member came.
  auto last_complete = steady_clock::now();
  while (true) {
    uint64_t done = 0;
    uint64_t total = 0;
    std::string waiting;
    std::string lacking;
    for (const std::string& path : paths) {
      TRIDENT_ASSIGN_OR_RETURN(const ArrayHealth health, ReadArrayHealth(files, path));
      const bool synchronises = health.sync_action == "resync" || health.sync_action == "recover";
      const bool lost = health.missing > 0 && health.sync_action == "resync";
      const bool lacks = health.missing > 0 && !synchronises;
      if (!health.running || lost ||
          (lacks && steady_clock::now() - last_complete > kRebuildBegins)) {
        return MakeError(
            absl::StatusCode::kFailedPrecondition, "storage", "array-broken",
            absl::StrCat("the array ", path, " ",
                         health.running ? absl::StrCat("lacks ", health.missing, " of its members")
                                        : "has stopped"),
            "Look at the kernel's messages: a disk may be failing.");
      }
      if (lacks) lacking = path;
      if (!synchronises) continue;
      waiting = path;
      done += health.sync_done;
      total += health.sync_total;
    }
    if (lacking.empty()) last_complete = steady_clock::now();
    if (waiting.empty() && lacking.empty()) return absl::OkStatus();
    progress(done, total);
    const auto now = steady_clock::now();
    if (done != best) {
      best = done;
      last_change = now;
    } else if (now - last_change > kStallLimit) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "storage", "array-stalled",
                       absl::StrCat("the array ", waiting.empty() ? lacking : waiting,
                                    " has not gone on synchronising for five minutes"),
                       "Look at the kernel's messages: a disk may be failing.");
    }
    if (cancellation.WaitFor(kPoll)) {
      return absl::CancelledError("the wait for RAID arrays was cancelled");
    }
  }
}

std::string FormatMdadmConf(const std::vector<RaidArrayStatus>& arrays) {
  std::string text =
      "# Written by Trident. Arrays are known by their UUIDs, whichever host made them.\n"
      "HOMEHOST <ignore>\n"
      "MAILADDR root\n";
  for (const RaidArrayStatus& array : arrays) {
    absl::StrAppend(&text, "ARRAY /dev/md/", array.name, " UUID=", array.uuid, "\n");
  }
  return text;
}

}  // namespace trident
