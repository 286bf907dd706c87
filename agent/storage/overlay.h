// Overlays: folders whose changes are kept elsewhere. Kernel, Documentation/filesystems/overlayfs.
#ifndef TRIDENT_AGENT_STORAGE_OVERLAY_H_
#define TRIDENT_AGENT_STORAGE_OVERLAY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/host/files.h"
#include "agent/storage/mount_target.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

// Where the changes of overlays in memory are, a file system of its own so that they cannot fill
// /run, and what makes its folders at every boot.
inline constexpr char kVolatileOverlays[] = "/run/trident-overlays";
inline constexpr char kVolatileOverlaysUnit[] = "trident-overlays.service";

struct OverlayTarget {
  std::string path;  // on the installed host: "/etc"
  bool persistent = true;
  // Mounted in the initrd, before the system reads anything there.
  bool in_initrd = false;
  std::string mount_path;  // where what keeps the changes is mounted: "/data"
  std::string folder;      // of the volume, below it: "/data/trident-overlays/volume-a"

  // Where changes are kept, and what the kernel needs beside that.
  std::string Upper() const { return folder + "/upper" + path; }
  std::string Work() const { return folder + "/work" + path; }

  bool operator==(const OverlayTarget&) const = default;
};

// The overlays of the document as `volume` has them, in its order. Pure.
std::vector<OverlayTarget> OverlayTargets(const HostConfiguration& configuration, Volume volume);

// For mount(2), where the new system's "/" is at `root` ("" when it runs).
std::vector<std::string> OverlayOptions(const OverlayTarget& overlay, const std::string& root);

// What /etc/fstab of the host says of the overlays that it mounts by that.
std::vector<MountTarget> OverlayFstab(const std::vector<OverlayTarget>& overlays);

// The unit that makes the folders of overlays in memory. Empty when there are none.
std::string VolatileOverlaysUnit(const std::vector<OverlayTarget>& overlays);

// What `overlays` keep is put away: folder by folder, everything below is removed. The parts of it
// that are mounted are below `root`.
absl::Status EmptyOverlays(Files& files, const std::vector<OverlayTarget>& overlays,
                           const std::string& root);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_OVERLAY_H_
