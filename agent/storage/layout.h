// Where the partitions of a disk go.
#ifndef TRIDENT_AGENT_STORAGE_LAYOUT_H_
#define TRIDENT_AGENT_STORAGE_LAYOUT_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"
#include "common/config/host_configuration.h"

namespace trident {

// The table that `disk` asks for on a disk as observed. Pure.
//
// Partitions stand in the order of the document, begin at whole MiB, have exactly the size that is
// given, and are numbered from 1; those with `grow` share what is left, in whole MiB. PARTLABEL is
// the partition's id. `uuid_of` gives the id of the disk (for its own id) and of every partition.
//
// On a disk with adopted partitions: see adoption.h, whose errors come too; the adopted ones follow
// the document's.
//
// FAILED_PRECONDITION, kind "storage", subkind "disk-too-small", with the figures.
// INVALID_ARGUMENT, subkind "partition-size" or "partition-name", naming the partition.
absl::StatusOr<PartitionTable> MakeLayout(
    const Disk& disk, const ObservedDisk& observed,
    const std::function<std::string(const std::string& id)>& uuid_of);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_LAYOUT_H_
