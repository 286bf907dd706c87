// The document's mount points with the devices of one volume behind them.
#ifndef TRIDENT_AGENT_STORAGE_MOUNT_TARGET_H_
#define TRIDENT_AGENT_STORAGE_MOUNT_TARGET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"
#include "common/status/host_status.h"

namespace trident {

struct MountTarget {
  std::string path;  // on the installed host: "/", "/boot/efi"; "none" for swap
  std::string filesystem;
  std::vector<std::string> options;
  std::string
      device;  // /dev/disk/by-partuuid/<uuid>, /dev/disk/by-id/md-uuid-<uuid>, /dev/mapper/<name>
  std::string fstab_name;  // PARTUUID=<uuid>, or the device
  BlockDeviceId id;        // of the device: of the half when the document names a pair
  bool adopted = false;    // it was there before, and nothing is changed that need not be
  // A verity device: it has another name while the new root is made, and cannot be written.
  bool read_only = false;
  bool in_initrd = false;  // mounted before the system starts: an overlay of /etc is kept there

  bool operator==(const MountTarget&) const = default;
};

// What the verity device has below /dev/mapper while the new root is made, when the running system
// may have it open by its own name: "trident-root".
std::string StagedVerityName(const std::string& name);

// What the document's id means on `volume`: the half of a pair (of the document, else of the
// status), or the id itself.
BlockDeviceId VolumeHalf(const HostConfiguration& configuration, const HostStatus& status,
                         const BlockDeviceId& id, Volume volume);

// In the order of the document. Pure. NOT_FOUND when the status does not know a device: it has not
// been made yet.
absl::StatusOr<std::vector<MountTarget>> MountTargets(const HostConfiguration& configuration,
                                                      const HostStatus& status, Volume volume);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_MOUNT_TARGET_H_
