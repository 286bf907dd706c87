// /etc/fstab of a volume. fstab(5).
#ifndef TRIDENT_AGENT_STORAGE_FSTAB_H_
#define TRIDENT_AGENT_STORAGE_FSTAB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/storage/mount_target.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"
#include "common/status/host_status.h"

namespace trident {

// One line for each mount point, in the order of the document, with a final newline. Partitions by
// PARTUUID; "defaults" where the document has no options; pass 0 for swap, 1 for "/", 2 otherwise.
// Blanks and backslashes are escaped in octal. Pure.
std::string FormatFstab(const std::vector<MountTarget>& targets);

// FormatFstab of MountTargets, with its errors.
absl::StatusOr<std::string> MakeFstab(const HostConfiguration& configuration,
                                      const HostStatus& status, Volume volume);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_FSTAB_H_
