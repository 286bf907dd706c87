// What can be given back to arrays that lost a disk, when another disk stands in its place. Pure.
#ifndef TRIDENT_AGENT_SERVICING_REBUILD_H_
#define TRIDENT_AGENT_SERVICING_REBUILD_H_

#include <string>
#include <vector>

#include "agent/host/block_devices.h"
#include "agent/servicing/observation.h"
#include "agent/servicing/servicer.h"
#include "common/config/host_configuration.h"

namespace trident {

struct Rebuild {
  // Blank disks that get the partition table of the recorded disk whose place they took.
  std::vector<BlockDeviceId> disks;
  // Partitions of them that are mounted by themselves: what was on them is lost.
  std::vector<BlockDeviceId> filesystems;
  // Arrays that get members back.
  std::vector<BlockDeviceId> arrays;
  // Why an array stays degraded, in sentences.
  std::vector<std::string> obstacles;

  bool empty() const { return arrays.empty(); }
};

// Only a disk on which nothing is known to be is ever taken: what an operator put there by mistake
// stays.
Rebuild FindRebuild(const HostConfiguration& desired, const HostStatus& status,
                    const Observation& observed);

// The partition table that is recorded of a disk.
PartitionTable RecordedTable(const DiskStatus& disk);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_REBUILD_H_
