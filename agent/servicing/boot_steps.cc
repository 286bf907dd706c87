#include "agent/servicing/boot_steps.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "agent/boot/boot_entries.h"
#include "agent/servicing/storage_steps.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

absl::StatusOr<BootTarget> BootTargetOf(const Host& host, const StepRun& run, Volume target) {
  const MountPoint* esp = FindEspMount(run.configuration);
  if (esp == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "no-esp",
                     "the document mounts no EFI system partition");
  }
  const BlockDeviceId id = DeviceOn(run.configuration, esp->target_id, target);
  TRIDENT_ASSIGN_OR_RETURN(const PartitionStatus* partition, RecordedPartition(run.status, id));
  for (const Disk& disk : run.configuration.storage.disks) {
    for (const Partition& candidate : disk.partitions) {
      if (candidate.id != id) continue;
      // The table itself says number and place: what the firmware will compare with.
      TRIDENT_ASSIGN_OR_RETURN(const ObservedDisk observed, host.devices.Observe(disk.device));
      for (const ObservedPartition& found : observed.partitions) {
        if (found.entry.uuid != partition->uuid) continue;
        return BootTarget{.partition_uuid = found.entry.uuid,
                          .partition_number = found.entry.number,
                          .partition_start = found.entry.start / observed.sector_size,
                          .partition_size = found.entry.size / observed.sector_size,
                          .loader = ""};
      }
    }
  }
  return MakeError(absl::StatusCode::kNotFound, "storage", "partition-gone",
                   absl::StrCat("the EFI system partition '", id, "' (", partition->uuid,
                                ") is not in the partition table any more"),
                   "Look at the disk: somebody changed its partitions while the job ran.");
}

}  // namespace

absl::Status PointFirmwareStep(const Host& host, RootSteps& root, const StepRun& run) {
  const Volume target = run.plan.target.value_or(Volume::kA);
  TRIDENT_ASSIGN_OR_RETURN(BootTarget boot_target, BootTargetOf(host, run, target));
  TRIDENT_ASSIGN_OR_RETURN(boot_target.loader, root.LoaderFile(run));
  TRIDENT_RETURN_IF_ERROR(root.Unmount());
  return PointFirmwareAtTarget(host.firmware, target, boot_target,
                               run.plan.kind == ServicingKind::kCleanInstall);
}

absl::Status CommitBootStep(const Host& host, const StepRun& run) {
  const Volume target = run.plan.target.value_or(Volume::kA);
  TRIDENT_RETURN_IF_ERROR(CommitBootOrder(host.firmware, target));
  if (run.status.storage.ab_update) run.status.storage.ab_update->active_volume = target;
  return absl::OkStatus();
}

}  // namespace trident
