// A job: one Host Configuration being carried to its end, across reboots.
#ifndef TRIDENT_AGENT_JOBS_JOB_H_
#define TRIDENT_AGENT_JOBS_JOB_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/servicing/plan.h"
#include "agent/servicing/servicer.h"
#include "common/base/error.h"
#include "common/config/allowed_operations.h"

namespace trident {

enum class JobState {
  kQueued,
  kPlanning,
  kStaging,
  kStaged,
  kFinalizing,
  kRebooting,
  kVerifying,
  kRollingBack,
  kSucceeded,
  kFailed,
  kCancelled,
  kRolledBack,
};

std::string_view JobStateName(JobState state);  // "rolled-back"
std::optional<JobState> JobStateFromName(std::string_view name);
bool IsFinal(JobState state);

struct Job {
  std::string id;  // UUID
  JobState state = JobState::kQueued;
  std::string configuration;         // the document, normalized YAML
  std::string configuration_digest;  // ConfigurationDigest()
  AllowedOperations operations;      // what its submitter allowed; FinalizeHost adds transition
  bool force = false;
  // Since planning ended. Before: the plan that the submitter named by its digest, if any; planning
  // must find the same.
  std::optional<Plan> plan;
  size_t steps_done = 0;  // steps of the plan that are done, in its order
  std::string boot_id;    // boot in which the last transition happened
  std::string reason;     // why it is where it is, for people
  std::optional<ErrorDetail> error;
  StoreRange own_range;                    // of the agent that staged it
  std::optional<StoreRange> target_range;  // of the agent in the target
  int roll_back_reboots = 0;               // how often the way back was tried by a reboot
  int64_t created_micros = 0;              // wall clock
  int64_t updated_micros = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_JOB_H_
