// A plan: the ordered list of steps that a job will take, computed without side effects.
#ifndef TRIDENT_AGENT_SERVICING_PLAN_H_
#define TRIDENT_AGENT_SERVICING_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

// Stage: what the running system cannot notice. Finalize: pointing the firmware at the target (live
// kinds: applying). Leave: the way out, run in state "rebooting", of which nothing is journaled
// after its start. Commit: after the boot, accepting the new system.
enum class Phase { kStage, kFinalize, kLeave, kCommit };

std::string_view PhaseName(Phase phase);  // "stage"

enum class StepKind {
  kRunScript,  // any phase but leave and commit; subject: its place below `scripts`
  // stage; a device is a partition, an array or an encrypted volume
  kRemoveArray,          // subject: kernel device of an old array
  kWritePartitionTable,  // subject: disk
  kCreateArray,          // subject: array
  kEncryptVolume,        // subject: encrypted volume
  kMakeFilesystem,       // subject: device
  kWriteImage,           // subject: device
  kVerifyImage,          // subject: device; reads back what was written
  kSetIdentity,          // subject: device; its own filesystem UUID
  kGrowFilesystem,       // subject: device
  kRestoreDisk,          // subject: disk; a blank one gets the table of the lost one
  kRestoreArray,         // subject: array; members that are away come back
  kWaitForArrays,        // until new arrays are in step
  kRestoreBootEntries,   // of mirrored ESPs that got a member back
  kCheckVerity,          // subject: verity device; read through its tree of hashes
  kPrepareOverlays,      // the target's overlays are empty
  kMountNewRoot,
  kInstallLoader,  // subject: an ESP that both volumes share
  kConfigureBoot,  // rewrites what finds the root, checks the loader's files
  kWriteFstab,
  kConfigureRaid,        // mdadm.conf
  kConfigureEncryption,  // crypttab
  kConfigureNetwork,     // netplan's document, checked by the netplan of the new root
  kPreserveState,        // carried over from the running system
  kConfigureOs,          // osconfig of the new root
  kConfigureManagement,  // runtime configuration, self upgrade, and whether the target's agent fits
  kLabelFiles,           // SELinux
  kUnmountNewRoot,
  kLinkStore,    // stage or finalize: a link to the store where management.datastorePath says now
  kCheckTarget,  // file system checks, after the unmount
  // finalize
  kApplyOs,           // live: osconfig of the running system
  kTryKernelOptions,  // live: the next start has the new ones, the one after it the old ones
  kApplyNetwork,      // live: netplan's document of the running system, applied
  kPointFirmware,     // boot entries, BootOrder, BootNext
  // leave
  kLeave,  // carries the store along (clean install), unmounts, reboots
  // commit
  kConfirmNetwork,     // live: waits until it is known that the host can still be reached
  kApplyManagement,    // live: runtime configuration of the running system
  kKeepKernelOptions,  // live: the tried ones become the boot loader's own
  kCommitBoot,         // BootOrder
  kMoveStore,          // the store itself takes the place of its link
  kCommitOs,           // live: what would undo the change is given up
};

std::string_view StepKindName(StepKind kind);  // "write-image"

struct Step {
  std::string id;  // unique within the plan: "write-image/root-b"
  StepKind kind = StepKind::kMountNewRoot;
  Phase phase = Phase::kStage;
  BlockDeviceId subject;  // the block device that it works on; empty: none
  std::string description;
  uint64_t bytes = 0;        // how much it moves, its weight in the progress
  uint64_t fetch_bytes = 0;  // how much it fetches for that; 0: nothing, or not known

  bool operator==(const Step&) const = default;
};

struct Destroyed {
  std::string device;
  std::string what;

  bool operator==(const Destroyed&) const = default;
};

struct Plan {
  ServicingKind kind = ServicingKind::kNone;
  // What the job writes; no value when it writes neither volume.
  std::optional<Volume> target;
  std::vector<Step> steps;
  uint64_t bytes_to_fetch = 0;  // 0 parts of it may be unknown: then only what is known
  uint64_t bytes_to_write = 0;
  std::vector<Destroyed> destroyed;
  bool reboots = false;
  std::vector<std::string> warnings;
  // The new system runs no agent (management.disable): the job ends at the reboot.
  bool unattended_target = false;
  // Names the plan: document, host and steps. Same world, same digest.
  std::string digest;

  bool operator==(const Plan&) const = default;
};

bool HasStep(const Plan& plan, StepKind kind);

// Kept in the store; a newer agent may have written it, so unknown members are ignored.
std::string PlanToJson(const Plan& plan);
absl::StatusOr<Plan> PlanFromJson(std::string_view json);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_PLAN_H_
