#include "agent/storage/mount_target.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {

BlockDeviceId VolumeHalf(const HostConfiguration& configuration, const HostStatus& status,
                         const BlockDeviceId& id, Volume volume) {
  // The id of a half is no pair's id, so the status leaves it as it is.
  return ResolveVolume(status, DeviceOn(configuration, id, volume), volume);
}

absl::StatusOr<std::vector<MountTarget>> MountTargets(const HostConfiguration& configuration,
                                                      const HostStatus& status, Volume volume) {
  std::vector<MountTarget> targets;
  for (const MountPoint& point : configuration.storage.mount_points) {
    MountTarget target;
    target.path = point.path;
    target.filesystem = point.filesystem;
    target.options = point.options;
    target.id = VolumeHalf(configuration, status, point.target_id, volume);
    const auto array = status.storage.raid_arrays.find(target.id);
    const auto encrypted = status.storage.encrypted_volumes.find(target.id);
    if (const PartitionStatus* partition = FindPartition(status, target.id)) {
      target.device = partition->path;
      target.fstab_name =
          partition->uuid.empty() ? partition->path : absl::StrCat("PARTUUID=", partition->uuid);
    } else if (array != status.storage.raid_arrays.end()) {
      target.device = absl::StrCat("/dev/md/", array->second.name);
      target.fstab_name = target.device;
    } else if (encrypted != status.storage.encrypted_volumes.end()) {
      target.device = absl::StrCat("/dev/mapper/", encrypted->second.device_name);
      target.fstab_name = target.device;
    } else {
      return MakeError(absl::StatusCode::kNotFound, "storage", "unknown-device",
                       absl::StrCat("the mount point ", point.path, " needs the block device \"",
                                    target.id, "\", which is not on this host yet"));
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace trident
