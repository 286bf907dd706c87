#include "agent/storage/mount_target.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/lookup.h"
#include "common/config/path.h"

namespace trident {

std::string StagedVerityName(const std::string& name) { return "trident-" + name; }

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
    if (const VerityDevice* verity = FindVerity(configuration, point.target_id)) {
      target.read_only = true;
      target.device = "/dev/mapper/" + StagedVerityName(verity->name);
      if (std::find(target.options.begin(), target.options.end(), "ro") == target.options.end()) {
        target.options.push_back("ro");
      }
    }
    target.in_initrd = std::any_of(
        configuration.storage.overlays.begin(), configuration.storage.overlays.end(),
        [&](const Overlay& overlay) {
          return overlay.target_id == point.target_id && NormalizePath(overlay.path) == "/etc";
        });
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace trident
