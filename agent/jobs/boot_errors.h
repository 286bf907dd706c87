// What is wrong with the boot that a job finds. Kind "boot", FAILED_PRECONDITION.
#ifndef TRIDENT_AGENT_JOBS_BOOT_ERRORS_H_
#define TRIDENT_AGENT_JOBS_BOOT_ERRORS_H_

#include "absl/status/status.h"
#include "agent/jobs/job.h"
#include "agent/servicing/servicer.h"

namespace trident {

// The host is not on the target of the job, which has a plan; `job.error`: why it could not even be
// left.
absl::Status TargetNotBooted(const Job& job, const BootFinding& finding);

// The host is on the target, but its kernel does not have the options that were to be tried.
// `job.error` as above.
absl::Status OptionsNotBooted(const Job& job);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_BOOT_ERRORS_H_
