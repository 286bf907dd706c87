// What a clean install takes from the disks, and whether it may.
#ifndef TRIDENT_AGENT_SERVICING_DISK_CLAIMS_H_
#define TRIDENT_AGENT_SERVICING_DISK_CLAIMS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/servicing/observation.h"
#include "agent/servicing/plan.h"
#include "agent/servicing/refusals.h"
#include "common/config/host_configuration.h"
#include "common/status/host_status.h"

namespace trident {

// Bytes of block devices that a plan works with, by id; missing: unknown. Of arrays: the most that
// they can have, their superblocks not counted.
using DeviceSizes = std::map<BlockDeviceId, uint64_t>;

struct DiskClaims {
  DeviceSizes sizes;
  std::vector<Destroyed> destroyed;
  // Kernel devices of old arrays that have to be removed before the disks are partitioned.
  std::vector<std::string> old_arrays;
  // UUIDs of the adopted partitions that were found, by the document's id.
  std::map<BlockDeviceId, std::string> kept;
};

// Refuses disks that are not there, named twice, read-only, in use or too small, and arrays on them
// that are in use or reach to a disk which the document does not name. Pure.
DiskClaims ClaimDisks(const HostConfiguration& desired, const Observation& observed,
                      Refusals& refusals);

// Of an installed host.
DeviceSizes RecordedSizes(const HostStatus& status);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_DISK_CLAIMS_H_
