// Steps that make RAID arrays. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_RAID_STEPS_H_
#define TRIDENT_AGENT_SERVICING_RAID_STEPS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/host/host.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Takes an old array apart (subject: its kernel device).
absl::Status RemoveArrayStep(const Host& host, const StepRun& run);

// Makes the step's array and records it in the status. Its UUID follows from the job.
absl::Status CreateArrayStep(const Host& host, const StepRun& run);

// Gives the blank disk that took the place of a recorded one its partition table. The door refuses
// one that is not blank.
absl::Status RestoreDiskStep(const Host& host, const StepRun& run);

// Adds the recorded members that the step's array lacks; they are then rebuilt.
absl::Status RestoreArrayStep(const Host& host, const StepRun& run);

// Waits until every array of the document is in step; then it is "ready".
absl::Status WaitForArraysStep(const Host& host, const StepRun& run);

// Looks at every recorded array: one that has lost a member, or is gone, is never called ready.
// Gives a sentence for each whose state is another one now.
std::vector<std::string> RefreshArrays(const Host& host, HostStatus& status);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_RAID_STEPS_H_
