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

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_PLANNER_H_
