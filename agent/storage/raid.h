// Software RAID arrays, made by mdadm(8) and watched in sysfs (md(4)).
#ifndef TRIDENT_AGENT_STORAGE_RAID_H_
#define TRIDENT_AGENT_STORAGE_RAID_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "common/config/host_configuration.h"
#include "common/status/host_status.h"

namespace trident {

// Errors of all of them: kind "storage"; a missing mdadm as in tool.h.

// A UUID in mdadm's spelling: "3aaa0122:29827cfa:5331ad66:ca767371". Pure.
std::string MdUuid(const std::string& uuid);

// The link by which an array is opened. It holds under every OS, whatever that calls the array:
// /dev/md/<name> becomes /dev/md/<name>_0 where the array counts as foreign. Pure.
std::string ArrayPath(const std::string& md_uuid);

// What an array of `count` members of `member` bytes can hold at most: the room that superblocks
// take is not counted. Pure.
uint64_t ArraySize(RaidLevel level, uint64_t member, size_t count);

struct ArraySpec {
  std::string name;
  RaidLevel level = RaidLevel::kRaid1;
  std::string metadata_version;
  std::string md_uuid;
  std::vector<std::string> member_paths;
};

// Makes an array over its members and waits until ArrayPath is there. Its first synchronisation
// goes on by itself. One with this UUID that runs already is left as it is. Members that anybody
// else uses: FAILED_PRECONDITION, from the door.
absl::Status CreateArray(CommandRunner& commands, BlockDevices& devices, const ArraySpec& spec,
                         const Cancellation* cancellation);

// Adds those of `member_paths` that the running array lacks. What is already on them is lost; one
// that anybody else uses is refused by the door.
absl::Status AddMissingMembers(CommandRunner& commands, BlockDevices& devices, const Files& files,
                               const std::string& path,
                               const std::vector<std::string>& member_paths,
                               const Cancellation* cancellation);

// Stops an array and erases the superblocks of its members, so that nothing assembles it again. OK
// when it does not run.
absl::Status RemoveArray(CommandRunner& commands, const BlockDevices& devices,
                         const std::string& kernel_path, const Cancellation* cancellation);

// What sysfs says of an array.
struct ArrayHealth {
  bool running = false;
  uint32_t missing = 0;  // members
  // "idle", "resync", "recover", "check", ...; levels without redundancy are always idle.
  std::string sync_action;
  // Sectors of what is being synchronised; 0 of 0: nothing, or not begun.
  uint64_t sync_done = 0;
  uint64_t sync_total = 0;

  bool operator==(const ArrayHealth&) const = default;
};

// `path` may be a link. NOT_FOUND: there is no such array; other errors: its state cannot be read.
absl::StatusOr<ArrayHealth> ReadArrayHealth(const Files& files, const std::string& path);

// kReady: complete and in step. kCreated: complete, being synchronised for the first time.
// kDegraded: members are missing or being rebuilt. kFailed: it does not run, or is not there. Pure.
RaidArrayStatus::State StateOf(const ArrayHealth& health);

// Waits until no array of `paths` synchronises. `progress` gets sectors done and in all. What
// stands still for five minutes is DEADLINE_EXCEEDED; a missing member that is not being rebuilt or
// a stopped array FAILED_PRECONDITION; both name the array.
absl::Status WaitUntilSynchronised(const Files& files, const std::vector<std::string>& paths,
                                   const std::function<void(uint64_t, uint64_t)>& progress,
                                   const Cancellation& cancellation);

// /etc/mdadm/mdadm.conf of a host with these arrays, mdadm.conf(5). Pure.
std::string FormatMdadmConf(const std::vector<RaidArrayStatus>& arrays);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_RAID_H_
