#include "agent/servicing/health.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/config/lookup.h"
#include "common/config/path.h"

namespace trident {

absl::Status CheckSystemHealth(const Host& host, const HostConfiguration& configuration,
                               const HostStatus& status, Volume volume, std::chrono::seconds limit,
                               const Cancellation& cancellation) {
  // First the wait: mounts may come up late, but not after it.
  absl::Status reached = host.machine.WaitForUnit("multi-user.target", limit, cancellation);
  if (absl::IsCancelled(reached)) return reached;
  std::vector<std::string> missing;
  if (!reached.ok()) {
    missing.push_back(absl::StrCat("multi-user.target: ", reached.message()));
  }
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<MountEntry> mounts, host.mounts.List());
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> swaps, host.mounts.Swaps());
  for (const MountPoint& mount : configuration.storage.mount_points) {
    const BlockDeviceId id = DeviceOn(configuration, mount.target_id, volume);
    const std::optional<RecordedDevice> recorded = FindDevice(status, id);
    const absl::StatusOr<std::string> device =
        recorded ? host.files.Canonical(recorded->path) : absl::NotFoundError("not recorded");
    if (!device.ok()) {
      missing.push_back(absl::StrCat("'", id, "' is not there"));
      continue;
    }
    if (mount.filesystem == "swap") {
      if (std::find(swaps.begin(), swaps.end(), *device) == swaps.end()) {
        missing.push_back(absl::StrCat("swap on '", id, "' (", *device, ") is off"));
      }
      continue;
    }
    // The last mount of a path is the one that is seen there.
    const auto seen = std::find_if(mounts.rbegin(), mounts.rend(), [&](const MountEntry& entry) {
      return entry.target == mount.path;
    });
    if (seen == mounts.rend()) {
      missing.push_back(absl::StrCat(mount.path, " is not mounted"));
      continue;
    }
    const absl::StatusOr<std::string> source = host.files.Canonical(seen->source);
    if (!source.ok() || *source != *device) {
      missing.push_back(absl::StrCat(mount.path, " is mounted from ", seen->source, " instead of '",
                                     id, "' (", *device, ")"));
    }
  }
  for (const Overlay& overlay : configuration.storage.overlays) {
    const auto seen = std::find_if(mounts.rbegin(), mounts.rend(), [&](const MountEntry& entry) {
      return entry.target == NormalizePath(overlay.path);
    });
    if (seen == mounts.rend() || seen->filesystem != "overlay") {
      missing.push_back(absl::StrCat("the overlay ", overlay.path, " is not mounted"));
    }
  }
  if (missing.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "health", "not-healthy",
                   absl::StrCat("the new system is not healthy: ", absl::StrJoin(missing, "; ")),
                   "Look at the new system's journal, and mend the image.");
}

}  // namespace trident
