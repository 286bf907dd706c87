#include "agent/servicing/boot_steps.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/boot/boot_entries.h"
#include "agent/boot/shared_esp.h"
#include "agent/servicing/storage_steps.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

// Where the firmware finds the partition `id`.
absl::StatusOr<BootTarget> BootTargetAt(const Host& host, const StepRun& run,
                                        const BlockDeviceId& id) {
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice partition, DeviceOf(run.status, id));
  for (const Disk& disk : run.configuration.storage.disks) {
    for (const Partition& candidate : disk.partitions) {
      if (candidate.id != id) continue;
      // The table itself says number and place: what the firmware will compare with.
      TRIDENT_ASSIGN_OR_RETURN(const ObservedDisk observed, host.devices.Observe(disk.device));
      for (const ObservedPartition& found : observed.partitions) {
        if (found.entry.uuid != partition.partition_uuid) continue;
        return BootTarget{.partition_uuid = found.entry.uuid,
                          .partition_number = found.entry.number,
                          .partition_start = found.entry.start / observed.sector_size,
                          .partition_size = found.entry.size / observed.sector_size,
                          .loader = ""};
      }
    }
  }
  return MakeError(absl::StatusCode::kNotFound, "storage", "partition-gone",
                   absl::StrCat("the EFI system partition '", id, "' (", partition.partition_uuid,
                                ") is not in the partition table any more"),
                   "Look at the disk: somebody changed its partitions while the job ran.");
}

// The EFI system partition of `target`, or every member of the array that it is.
absl::StatusOr<std::vector<BootTarget>> BootTargetsOf(const Host& host, const StepRun& run,
                                                      Volume target) {
  const MountPoint* esp = FindEspMount(run.configuration);
  if (esp == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "no-esp",
                     "the document mounts no EFI system partition");
  }
  const BlockDeviceId id = DeviceOn(run.configuration, esp->target_id, target);
  std::vector<BlockDeviceId> partitions = {id};
  if (const SoftwareRaidArray* array = FindArray(run.configuration, id)) {
    partitions = array->devices;
  }
  std::vector<BootTarget> targets;
  for (const BlockDeviceId& partition : partitions) {
    TRIDENT_ASSIGN_OR_RETURN(BootTarget found, BootTargetAt(host, run, partition));
    targets.push_back(std::move(found));
  }
  return targets;
}

}  // namespace

absl::Status PointFirmwareStep(const Host& host, RootSteps& root, const StepRun& run) {
  const Volume target = run.plan.target.value_or(Volume::kA);
  TRIDENT_ASSIGN_OR_RETURN(std::vector<BootTarget> targets, BootTargetsOf(host, run, target));
  TRIDENT_ASSIGN_OR_RETURN(const Loader loader, root.TargetLoader(run));
  for (BootTarget& one : targets) one.loader = loader.file;
  const bool kexec = run.configuration.management.transition == Transition::kKexec;
  if (kexec) TRIDENT_RETURN_IF_ERROR(root.LoadTargetKernel(run));
  TRIDENT_RETURN_IF_ERROR(root.Unmount());
  const bool clean_install = run.plan.kind == ServicingKind::kCleanInstall;
  const std::vector<BootTarget> copies(targets.begin() + 1, targets.end());
  TRIDENT_RETURN_IF_ERROR(PointFirmwareAtTarget(host.firmware, target, targets.front(), copies,
                                                clean_install,
                                                kexec ? Trial::kKexec : Trial::kBootNext));
  // Last: whatever starts in between starts the running volume's entry.
  return kexec && !clean_install ? absl::OkStatus()
                                 : ArmVolumeEntry(host.firmware, loader, clean_install);
}

absl::Status RestoreBootEntriesStep(const Host& host, const StepRun& run) {
  for (const Volume volume : {Volume::kA, Volume::kB}) {
    absl::StatusOr<std::vector<BootTarget>> members = BootTargetsOf(host, run, volume);
    // Another disk of the array is still away. The rebuild that brings it back sees to the entries.
    if (absl::IsNotFound(members.status())) {
      run.reporter.Warning(
          absl::StrCat("the boot entries of ", std::string(VolumeName(volume)),
                       " are left as they are: ", std::string{members.status().message()}));
      continue;
    }
    TRIDENT_RETURN_IF_ERROR(members.status());
    TRIDENT_RETURN_IF_ERROR(RestoreVolumeEntries(host.firmware, volume, *std::move(members)));
  }
  return absl::OkStatus();
}

absl::Status CommitBootStep(const Host& host, const StepRun& run) {
  const Volume target = run.plan.target.value_or(Volume::kA);
  if (SharesEsp(run.configuration)) {
    TRIDENT_RETURN_IF_ERROR(CommitVolumeEntry(host.files, host.firmware,
                                              FindEspMount(run.configuration)->path, target));
  }
  TRIDENT_RETURN_IF_ERROR(CommitBootOrder(host.firmware, target));
  if (SharesEsp(run.configuration)) {
    const absl::Status pointed =
        PointFallbackAt(host.files, FindEspMount(run.configuration)->path, target);
    if (!pointed.ok()) {
      run.reporter.Warning(
          absl::StrCat("a firmware that loses its boot entries would start another volume: ",
                       std::string{pointed.message()}));
    }
  }
  if (run.status.storage.ab_update) run.status.storage.ab_update->active_volume = target;
  return absl::OkStatus();
}

}  // namespace trident
