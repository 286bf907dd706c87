#include "agent/boot/booted_volume.h"

#include <optional>
#include <string>

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

// A device that is not there any more is not what is running.
absl::StatusOr<bool> IsDevice(const Files& files, const std::string& path,
                              const std::string& device) {
  absl::StatusOr<std::string> canonical = files.Canonical(path);
  if (absl::IsNotFound(canonical.status())) return false;
  if (!canonical.ok()) return canonical.status();
  return *canonical == device;
}

}  // namespace

absl::StatusOr<BootedVolume> FindBootedVolume(const Files& files, const Machine& machine,
                                              const HostConfiguration& configuration,
                                              const HostStatus& status) {
  absl::StatusOr<std::string> device = machine.RootDevice();
  if (absl::IsNotFound(device.status())) return BootedVolume::kNeither;
  if (!device.ok()) return Annotate(device.status(), "Finding out which volume is running");

  const auto matches = [&](const std::optional<std::string>& path) -> absl::StatusOr<bool> {
    if (!path.has_value() || path->empty()) return false;
    return IsDevice(files, *path, *device);
  };
  const std::optional<BlockDeviceId> target = RootTarget(configuration, status);
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
