#include "agent/servicing/storage_steps.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/servicing/sysupdate_engine.h"
#include "agent/storage/filesystem.h"
#include "agent/storage/layout.h"
#include "agent/storage/sysupdate.h"
#include "agent/storage/uuid.h"
#include "common/base/error.h"
#include "common/config/lookup.h"
#include "common/config/partition_type.h"

namespace trident {
namespace {

// The door: nothing is formatted that anybody uses, whatever was planned. Opening for writing is
// refused for such a device.
absl::Status RequireUnused(const Host& host, const std::string& device) {
  return host.devices.OpenForWriting(device).status();
}

// The mount point that a partition serves, through its pair too.
const MountPoint* MountOf(const HostConfiguration& configuration, const BlockDeviceId& partition) {
  for (const MountPoint& mount : configuration.storage.mount_points) {
    for (const Volume volume : {Volume::kA, Volume::kB}) {
      if (DeviceOn(configuration, mount.target_id, volume) == partition) return &mount;
    }
  }
  return nullptr;
}

// The table on the disk, to be written again, when it is the one that this job recorded.
std::optional<PartitionTable> TableToRepeat(const HostConfiguration& configuration,
                                            const HostStatus& status, const BlockDeviceId& disk,
                                            const ObservedDisk& observed) {
  const auto recorded = status.storage.disks.find(disk);
  if (recorded == status.storage.disks.end() || !observed.table) return std::nullopt;
  const auto& wanted = recorded->second.partitions;
  PartitionTable table = *observed.table;
  if (table.partitions.size() != wanted.size()) return std::nullopt;
  for (TablePartition& entry : table.partitions) {
    const auto known =
        std::find_if(wanted.begin(), wanted.end(), [&](const PartitionStatus& partition) {
          return entry.uuid == partition.uuid && entry.start == partition.start &&
                 entry.start + entry.size == partition.end;
        });
    if (known == wanted.end()) return std::nullopt;
    if (FindAdopted(configuration, known->id) != nullptr) entry.kept_as = known->id;
  }
  return table;
}

DiskStatus StatusOf(const Disk& disk, const PartitionTable& table, uint64_t capacity) {
  DiskStatus status;
  status.uuid = table.disk_uuid;
  status.path = disk.device;
  status.capacity = capacity;
  for (size_t i = 0; i < table.partitions.size(); ++i) {
    const TablePartition& entry = table.partitions[i];
    PartitionStatus partition;
    partition.uuid = entry.uuid;
    partition.path = absl::StrCat("/dev/disk/by-partuuid/", entry.uuid);
    partition.start = entry.start;
    partition.end = entry.start + entry.size;
    if (entry.kept_as.empty()) {
      partition.id = disk.partitions[i].id;
      partition.type = disk.partitions[i].type;
    } else {
      partition.id = entry.kept_as;
      if (const auto name = PartitionTypeNameOfGuid(entry.type_guid)) {
        partition.type = PartitionTypeFromName(*name).value_or(PartitionType::kLinuxGeneric);
      }
    }
    status.partitions.push_back(std::move(partition));
  }
  return status;
}

}  // namespace

std::string FilesystemUuidOf(const std::string& job_id, const BlockDeviceId& device) {
  return DeriveUuid(job_id, absl::StrCat("filesystem/", device));
}

absl::StatusOr<RecordedDevice> DeviceOf(const HostStatus& status, const BlockDeviceId& id) {
  std::optional<RecordedDevice> device = FindDevice(status, id);
  if (!device) {
    return MakeError(absl::StatusCode::kInternal, "internal", "device-not-recorded",
                     absl::StrCat("the Host Status does not know the block device '", id, "'"));
  }
  return *std::move(device);
}

absl::Status WritePartitionTable(const Host& host, const StepRun& run) {
  const Disk* disk = FindDisk(run.configuration, run.step.subject);
  if (disk == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "disk-not-in-document",
                     absl::StrCat("the document has no disk '", run.step.subject, "'"));
  }
  TRIDENT_ASSIGN_OR_RETURN(const ObservedDisk observed, host.devices.Observe(disk->device));
  // Adopted partitions are looked for once: after an interruption the same words could match
  // something else in the table that was written.
  std::optional<PartitionTable> table;
  if (!disk->adopted_partitions.empty()) {
    table = TableToRepeat(run.configuration, run.status, disk->id, observed);
  }
  if (!table) {
    TRIDENT_ASSIGN_OR_RETURN(table, MakeLayout(*disk, observed, [&](const std::string& id) {
                               return DeriveUuid(run.job_id, "partition/" + id);
                             }));
    for (TablePartition& entry : table->partitions) {
      if (IsLabelledBySysupdate(run.configuration, entry.name)) entry.name = kEmptyLabel;
    }
    run.status.storage.disks[disk->id] = StatusOf(*disk, *table, observed.size);
    if (run.configuration.storage.ab_update) {
      AbUpdateStatus& ab = run.status.storage.ab_update.emplace();
      for (const VolumePair& pair : run.configuration.storage.ab_update->volume_pairs) {
        ab.volume_pairs[pair.id] = {pair.volume_a_id, pair.volume_b_id};
      }
    }
    TRIDENT_RETURN_IF_ERROR(run.save_status());
  }
  TRIDENT_RETURN_IF_ERROR(host.devices.WriteTable(disk->device, *table));
  DiskStatus& written = run.status.storage.disks[disk->id];
  written.contents.kind = Contents::Kind::kInitialized;
  for (PartitionStatus& partition : written.partitions) {
    // An adopted one holds what it held, which nobody has looked at.
    if (FindPartition(run.configuration, partition.id) != nullptr) {
      partition.contents.kind = Contents::Kind::kInitialized;
    }
  }
  return absl::OkStatus();
}

absl::Status MakeFilesystemStep(const Host& host, const StepRun& run) {
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice device, DeviceOf(run.status, run.step.subject));
  const MountPoint* mount = MountOf(run.configuration, run.step.subject);
  if (mount == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "no-mount-point",
                     absl::StrCat("no mount point is for '", run.step.subject, "'"));
  }
  TRIDENT_RETURN_IF_ERROR(RequireUnused(host, device.path));
  return MakeFilesystem(host.commands, host.devices, device.path, mount->filesystem,
                        FilesystemUuidOf(run.job_id, device.id), /*label=*/"", &run.cancellation);
}

absl::Status SetIdentityStep(const Host& host, const StepRun& run) {
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice device, DeviceOf(run.status, run.step.subject));
  TRIDENT_RETURN_IF_ERROR(RequireUnused(host, device.path));
  const std::string own_uuid = FilesystemUuidOf(run.job_id, device.id);
  TRIDENT_ASSIGN_OR_RETURN(const Signature found, host.devices.Probe(device.path));
  if (device.contents.image_filesystem_uuid.empty() &&
      found.uuid != IdentityUuid(found.type, own_uuid)) {
    // Boot configurations name it: it must be known after a restart too.
    FindContents(run.status, device.id)->image_filesystem_uuid = found.uuid;
    TRIDENT_RETURN_IF_ERROR(run.save_status());
  }
  return SetFilesystemIdentity(host.commands, host.devices, device.path, own_uuid,
                               &run.cancellation)
      .status();
}

absl::Status GrowFilesystemStep(const Host& host, const StepRun& run) {
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice device, DeviceOf(run.status, run.step.subject));
  TRIDENT_RETURN_IF_ERROR(RequireUnused(host, device.path));
  return GrowFilesystem(host.commands, host.devices, host.files, host.mounts, device.path,
                        &run.cancellation);
}

absl::Status CheckTargetStep(const Host& host, const StepRun& run) {
  std::set<BlockDeviceId> written;
  for (const Step& step : run.plan.steps) {
    if (step.kind == StepKind::kWriteImage || step.kind == StepKind::kMakeFilesystem) {
      written.insert(step.subject);
    }
  }
  for (const BlockDeviceId& id : written) {
    TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice device, DeviceOf(run.status, id));
    TRIDENT_RETURN_IF_ERROR(
        Annotate(CheckFilesystem(host.commands, host.devices, device.path, &run.cancellation),
                 absl::StrCat("check the file system of '", id, "'")));
  }
  return absl::OkStatus();
}

}  // namespace trident
