// Units for the initrd: what must be mounted before the system reads anything. systemd.mount(5),
// bootup(7).
#ifndef TRIDENT_AGENT_STORAGE_INITRD_UNITS_H_
#define TRIDENT_AGENT_STORAGE_INITRD_UNITS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/storage/mount_target.h"
#include "agent/storage/overlay.h"

namespace trident {

// A mount unit for a folder of the system that the initrd is about to start.
struct InitrdUnit {
  std::string name;  // "sysroot-etc.mount"
  std::string text;

  bool operator==(const InitrdUnit&) const = default;
};

// For the overlays that are mounted in the initrd, and for what keeps their changes. All of them
// are required by initrd-root-fs.target: a system that lacks one does not start. `mounts` are those
// of the document. Pure.
absl::StatusOr<std::vector<InitrdUnit>> InitrdUnits(const std::vector<OverlayTarget>& overlays,
                                                    const std::vector<MountTarget>& mounts);

// systemd-escape --path: "/data/my-files" is "data-my\x2dfiles".
std::string EscapeUnitPath(std::string_view path);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_INITRD_UNITS_H_
