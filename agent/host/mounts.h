// Mounting.
#ifndef TRIDENT_AGENT_HOST_MOUNTS_H_
#define TRIDENT_AGENT_HOST_MOUNTS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

struct MountEntry {
  std::string source;  // as in mountinfo; /dev/vda2 for a block device
  std::string target;
  std::string filesystem;
  std::string options;  // comma separated, mount and super block options
};

// Error kind "storage".
class Mounts {
 public:
  virtual ~Mounts() = default;

  // mount(8) semantics of libmount: options as in fstab; filesystem "none" with option "bind"
  // binds. The target folder must be there.
  virtual absl::Status Mount(const std::string& source, const std::string& target,
                             const std::string& filesystem,
                             const std::vector<std::string>& options) = 0;
  // Never lazy. A busy file system is tried again for up to 5 s, then FAILED_PRECONDITION. OK when
  // nothing is mounted there.
  virtual absl::Status Unmount(const std::string& target) = 0;
  // /proc/self/mountinfo, in its order.
  virtual absl::StatusOr<std::vector<MountEntry>> List() const = 0;
  // Devices swapped on, /proc/swaps.
  virtual absl::StatusOr<std::vector<std::string>> Swaps() const = 0;
};

std::unique_ptr<Mounts> MakeLinuxMounts();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_MOUNTS_H_
