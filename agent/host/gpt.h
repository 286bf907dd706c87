// GUID partition tables through libfdisk. UEFI Specification 2.10, chapter 5.
#ifndef TRIDENT_AGENT_HOST_GPT_H_
#define TRIDENT_AGENT_HOST_GPT_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"

namespace trident {

// The table on a disk or in a file, partitions in the order of their start. No value: another kind
// of table, or none. When the primary header is damaged the backup counts.
absl::StatusOr<std::optional<PartitionTable>> ReadGpt(const std::string& path);

// Replaces whatever table there is through `fd`, which is open for reading and writing and stays
// open, and wipes the signatures that libblkid knows from every new partition. Synced when it
// returns. Does not tell the kernel. `path` is for messages and for libfdisk's probing.
// INVALID_ARGUMENT when the table does not fit.
absl::Status WriteGpt(int fd, const std::string& path, const PartitionTable& table);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_GPT_H_
