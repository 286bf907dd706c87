// The planner: desired, recorded and observed state -> plan. Pure: no I/O, so that it is tested
// with tables and serves dry runs.
#ifndef TRIDENT_AGENT_SERVICING_PLANNER_H_
#define TRIDENT_AGENT_SERVICING_PLANNER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "agent/servicing/observation.h"
#include "agent/servicing/plan.h"
#include "agent/servicing/servicer.h"
#include "common/config/host_configuration.h"

namespace trident {

// Makes the plan or says, with every reason found (ErrorDetail::findings), why there is none.
// kNone and no steps: the host is as desired.
absl::StatusOr<Plan> MakePlan(const HostConfiguration& desired, const Recorded& recorded,
                              const Observation& observed, bool force);

// Indices of storage.images that a plan for `desired` would have to write, as far as the documents
// tell: what has to be probed before MakePlan. Empty: no image changes.
std::vector<size_t> ImagesToProbe(const HostConfiguration& desired, const Recorded& recorded);

// The block device that `id` means on `volume`: the half of a pair, otherwise the id itself.
BlockDeviceId DeviceOn(const HostConfiguration& configuration, const BlockDeviceId& id,
                       Volume volume);

// The pair with this id, or null.
const VolumePair* FindPair(const HostConfiguration& configuration, const BlockDeviceId& id);

// The partition with this id, or null.
const Partition* FindPartition(const HostConfiguration& configuration, const BlockDeviceId& id);

// The mount point whose target is the EFI system partition (through its pair), or null.
const MountPoint* FindEspMount(const HostConfiguration& configuration);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_PLANNER_H_
