// The life of a job as one table: design.md, "A job's life".
#ifndef TRIDENT_AGENT_JOBS_TRANSITIONS_H_
#define TRIDENT_AGENT_JOBS_TRANSITIONS_H_

#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/jobs/job.h"

namespace trident {

// What happens to a job.
enum class JobEvent {
  kPlan,         // the worker takes it up
  kPlanned,      // there is a plan, and something to do
  kNothingToDo,  // the host is as desired
  kResume,       // the agent or the machine was stopped meanwhile
  kStaged,       // the target is complete, read back and verified
  kFinalize,     // transition is allowed
  kLeave,        // the firmware is pointed at the target; out
  kApplied,      // a live kind is applied
  kBooted,       // the machine has rebooted
  kStuck,        // the machine could not be left
  kUnattended,   // left for a system without an agent
  kCommit,       // the new system is healthy
  kError,        // something failed
  kUndo,         // the operator wants the previous state back
  kRestored,     // the previous state is back
  kCancel,       // the operator gives it up
};

std::string_view JobEventName(JobEvent event);

// Which jobs a transition is for.
enum class Applies {
  kAny,
  kReboots,     // the plan leaves through a reboot
  kLive,        // the plan does not
  kReversible,  // there is a previous state
  kInstall,     // there is none: a clean install
  kUnattended,  // the target runs no agent
};

struct TransitionRule {
  JobState from;
  JobEvent event;
  Applies applies;
  JobState to;
};

std::span<const TransitionRule> TransitionRules();

// Where `event` takes the job. An event that the table does not list for it is a bug: INTERNAL,
// subkind "transition".
absl::StatusOr<JobState> NextState(const Job& job, JobEvent event);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_TRANSITIONS_H_
