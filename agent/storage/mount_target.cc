#include "agent/storage/mount_target.h"

#include <optional>
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
    const std::optional<RecordedDevice> device = FindDevice(status, target.id);
    if (!device) {
      return MakeError(absl::StatusCode::kNotFound, "storage", "unknown-device",
                       absl::StrCat("the mount point ", point.path, " needs the block device \"",
                                    target.id, "\", which is not on this host yet"));
    }
    target.adopted = FindAdopted(configuration, target.id) != nullptr;
    target.device = device->path;
    target.fstab_name = device->partition_uuid.empty()
                            ? device->path
                            : absl::StrCat("PARTUUID=", device->partition_uuid);
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace trident
