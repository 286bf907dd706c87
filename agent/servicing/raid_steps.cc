#include "agent/servicing/raid_steps.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/servicing/rebuild.h"
#include "agent/servicing/storage_steps.h"
#include "agent/storage/raid.h"
#include "agent/storage/uuid.h"
#include "common/base/error.h"
#include "common/config/enum_names.h"
#include "common/config/lookup.h"
#include "common/status/host_status_schema.h"

namespace trident {

absl::Status RemoveArrayStep(const Host& host, const StepRun& run) {
  return RemoveArray(host.commands, host.devices, run.step.subject, &run.cancellation);
}

absl::Status CreateArrayStep(const Host& host, const StepRun& run) {
  const SoftwareRaidArray* array = FindArray(run.configuration, run.step.subject);
  if (array == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "array-not-in-document",
                     absl::StrCat("the document has no array '", run.step.subject, "'"));
  }
  RaidArrayStatus status;
  status.name = array->name;
  status.level = array->level;
  status.uuid = MdUuid(DeriveUuid(run.job_id, "array/" + array->id));
  status.path = ArrayPath(status.uuid);
  status.raid_symlink_path = absl::StrCat("/dev/md/", array->name);
  for (const BlockDeviceId& member : array->devices) {
    TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice device, DeviceOf(run.status, member));
    status.device_paths.push_back(device.path);
  }
  run.status.storage.raid_arrays[array->id] = status;
  TRIDENT_RETURN_IF_ERROR(run.save_status());
  TRIDENT_RETURN_IF_ERROR(CreateArray(host.commands, host.devices,
                                      {.name = status.name,
                                       .level = status.level,
                                       .metadata_version = array->metadata_version,
                                       .md_uuid = status.uuid,
                                       .member_paths = status.device_paths},
                                      &run.cancellation));
  RaidArrayStatus& made = run.status.storage.raid_arrays[array->id];
  TRIDENT_ASSIGN_OR_RETURN(made.array_size, host.devices.Size(made.path));
  made.contents.kind = Contents::Kind::kInitialized;
  return absl::OkStatus();
}

absl::Status RestoreDiskStep(const Host& host, const StepRun& run) {
  const Disk* disk = FindDisk(run.configuration, run.step.subject);
  const auto recorded = run.status.storage.disks.find(run.step.subject);
  if (disk == nullptr || recorded == run.status.storage.disks.end()) {
    return MakeError(absl::StatusCode::kInternal, "internal", "disk-not-in-document",
                     absl::StrCat("the disk '", run.step.subject, "' is not known"));
  }
  TRIDENT_ASSIGN_OR_RETURN(const ObservedDisk observed, host.devices.Observe(disk->device));
  const PartitionTable table = RecordedTable(recorded->second);
  if (!observed.table && observed.other_contents.empty()) {
    TRIDENT_RETURN_IF_ERROR(host.devices.WriteTable(disk->device, table));
  } else if (!observed.table || observed.table->disk_uuid != table.disk_uuid) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "storage", "disk-not-blank",
        absl::StrCat(observed.path, " is not blank any more, so that it is not taken"),
        absl::StrCat("Erase it with wipefs -a ", observed.path, " if nothing on it is needed."));
  }
  recorded->second.path = disk->device;
  for (PartitionStatus& partition : recorded->second.partitions) {
    // What an image or a file system had put there is gone.
    partition.contents = Contents{};
  }
  return absl::OkStatus();
}

absl::Status RestoreArrayStep(const Host& host, const StepRun& run) {
  const auto array = run.status.storage.raid_arrays.find(run.step.subject);
  if (array == run.status.storage.raid_arrays.end()) {
    return MakeError(absl::StatusCode::kInternal, "internal", "array-not-recorded",
                     absl::StrCat("the array '", run.step.subject, "' is not recorded"));
  }
  return AddMissingMembers(host.commands, host.devices, host.files, array->second.path,
                           array->second.device_paths, &run.cancellation);
}

absl::Status WaitForArraysStep(const Host& host, const StepRun& run) {
  std::vector<std::string> paths;
  for (const SoftwareRaidArray& array : run.configuration.storage.raid.software) {
    TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice device, DeviceOf(run.status, array.id));
    paths.push_back(device.path);
  }
  TRIDENT_RETURN_IF_ERROR(WaitUntilSynchronised(
      host.files, paths, [&](uint64_t done, uint64_t total) { run.reporter.Progress(done, total); },
      run.cancellation));
  RefreshArrays(host, run.status);
  return absl::OkStatus();
}

std::vector<std::string> RefreshArrays(const Host& host, HostStatus& status) {
  std::vector<std::string> changes;
  for (auto& [id, array] : status.storage.raid_arrays) {
    const absl::StatusOr<ArrayHealth> health = ReadArrayHealth(host.files, array.path);
    const auto now = health.ok() ? StateOf(*health) : RaidArrayStatus::State::kFailed;
    if (now == array.status) continue;
    changes.push_back(absl::StrCat("the RAID array '", id, "' was ",
                                   std::string(EnumName(array.status)), " and is ",
                                   std::string(EnumName(now)), " now"));
    array.status = now;
  }
  return changes;
}

}  // namespace trident
