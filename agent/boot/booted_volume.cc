#include "agent/boot/booted_volume.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

std::optional<BlockDeviceId> RootTarget(const HostConfiguration& configuration,
                                        const HostStatus& status) {
  if (const MountPoint* root = FindMount(configuration, "/")) return root->target_id;
  for (const auto& [target, mount] : status.storage.mount_points) {
    if (mount.path == "/") return target;
  }
  return std::nullopt;
}

// What holds the file system of `id`: the data of a verity device, otherwise the id itself.
BlockDeviceId DataOf(const HostConfiguration& configuration, const HostStatus& status,
                     const BlockDeviceId& id) {
  const auto recorded = status.storage.verity_devices.find(id);
  if (recorded != status.storage.verity_devices.end()) return recorded->second.data_device_id;
  return DataDeviceOf(configuration, id);
}

std::optional<VolumePairStatus> FindPair(const HostConfiguration& configuration,
                                         const HostStatus& status, const BlockDeviceId& id) {
  if (const VolumePair* pair = trident::FindPair(configuration, id)) {
    return VolumePairStatus{pair->volume_a_id, pair->volume_b_id};
  }
  if (status.storage.ab_update.has_value()) {
    const auto found = status.storage.ab_update->volume_pairs.find(id);
    if (found != status.storage.ab_update->volume_pairs.end()) return found->second;
  }
  return std::nullopt;
}

std::optional<std::string> PathOf(const HostStatus& status, const BlockDeviceId& id) {
  const std::optional<RecordedDevice> device = FindDevice(status, id);
  return device ? std::optional<std::string>(device->path) : std::nullopt;
}

// The kernel device and, of one that the device-mapper stacks on others, those below it.
std::vector<std::string> WithWhatIsBelow(const Files& files, const std::string& device) {
  std::vector<std::string> all = {device};
  const std::string name = device.substr(device.rfind('/') + 1);
  const auto below = files.List(absl::StrCat("/sys/class/block/", name, "/slaves"));
  if (!below.ok()) return all;
  for (const std::string& one : *below) all.push_back("/dev/" + one);
  return all;
}

// A device that is not there any more is not what is running.
absl::StatusOr<bool> IsOneOf(const Files& files, const std::string& path,
                             const std::vector<std::string>& devices) {
  absl::StatusOr<std::string> canonical = files.Canonical(path);
  if (absl::IsNotFound(canonical.status())) return false;
  if (!canonical.ok()) return canonical.status();
  return std::find(devices.begin(), devices.end(), *canonical) != devices.end();
}

}  // namespace

absl::StatusOr<BootedVolume> FindBootedVolume(const Files& files, const Machine& machine,
                                              const HostConfiguration& configuration,
                                              const HostStatus& status) {
  absl::StatusOr<std::string> device = machine.RootDevice();
  if (absl::IsNotFound(device.status())) return BootedVolume::kNeither;
  if (!device.ok()) return Annotate(device.status(), "Finding out which volume is running");

  const std::optional<BlockDeviceId> mounted = RootTarget(configuration, status);
  std::optional<BlockDeviceId> target;
  if (mounted) target = DataOf(configuration, status, *mounted);
  // A verity device has one name on both volumes: what is below it tells them apart.
  const std::vector<std::string> running =
      target != mounted ? WithWhatIsBelow(files, *device) : std::vector<std::string>{*device};
  const auto matches = [&](const std::optional<std::string>& path) -> absl::StatusOr<bool> {
    if (!path.has_value() || path->empty()) return false;
    return IsOneOf(files, *path, running);
  };
  if (target.has_value()) {
    const std::optional<VolumePairStatus> pair = FindPair(configuration, status, *target);
    if (pair.has_value()) {
      TRIDENT_ASSIGN_OR_RETURN(const bool is_a, matches(PathOf(status, pair->volume_a_id)));
      if (is_a) return BootedVolume::kA;
      TRIDENT_ASSIGN_OR_RETURN(const bool is_b, matches(PathOf(status, pair->volume_b_id)));
      return is_b ? BootedVolume::kB : BootedVolume::kNeither;
    }
    if (const std::optional<std::string> path = PathOf(status, *target)) {
      TRIDENT_ASSIGN_OR_RETURN(const bool is_root, matches(path));
      return is_root ? BootedVolume::kA : BootedVolume::kNeither;
    }
  }
  if (status.storage.root_device_path.has_value()) {
    TRIDENT_ASSIGN_OR_RETURN(const bool is_root, matches(status.storage.root_device_path));
    return is_root ? BootedVolume::kA : BootedVolume::kNeither;
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "root-not-recorded",
                   "Finding out which volume is running: neither the configuration nor the host "
                   "status says which device holds '/'.",
                   "Add a mount point with path '/' to storage.mountPoints.");
}

}  // namespace trident
