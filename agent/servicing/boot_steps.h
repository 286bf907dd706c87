// Steps that talk to the firmware. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_BOOT_STEPS_H_
#define TRIDENT_AGENT_SERVICING_BOOT_STEPS_H_

#include "absl/status/status.h"
#include "agent/host/host.h"
#include "agent/servicing/root_steps.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Points the firmware's next start at the target's ESP; leaves the new root unmounted.
absl::Status PointFirmwareStep(const Host& host, RootSteps& root, const StepRun& run);

// Boot entries of both volumes whose ESP is an array that got a member back: some firmware drops
// entries of disks that it does not find. Where another member is still away, a warning.
absl::Status RestoreBootEntriesStep(const Host& host, const StepRun& run);

// The target runs and is good: prefers it from now on, and records it as active.
absl::Status CommitBootStep(const Host& host, const StepRun& run);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_BOOT_STEPS_H_
