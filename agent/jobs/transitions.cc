#include "agent/jobs/transitions.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

// clang-format off
constexpr TransitionRule kRules[] = {
    // from                    event                    of jobs that           to
    {JobState::kQueued,        JobEvent::kPlan,         Applies::kAny,         JobState::kPlanning},
    {JobState::kQueued,        JobEvent::kCancel,       Applies::kAny,         JobState::kCancelled},

    {JobState::kPlanning,      JobEvent::kPlanned,      Applies::kAny,         JobState::kStaging},
    {JobState::kPlanning,      JobEvent::kNothingToDo,  Applies::kAny,         JobState::kSucceeded},
    {JobState::kPlanning,      JobEvent::kError,        Applies::kAny,         JobState::kFailed},
    {JobState::kPlanning,      JobEvent::kCancel,       Applies::kAny,         JobState::kCancelled},

    {JobState::kStaging,       JobEvent::kResume,       Applies::kAny,         JobState::kStaging},
    {JobState::kStaging,       JobEvent::kStaged,       Applies::kAny,         JobState::kStaged},
    {JobState::kStaging,       JobEvent::kError,        Applies::kAny,         JobState::kFailed},
    {JobState::kStaging,       JobEvent::kCancel,       Applies::kAny,         JobState::kCancelled},

    {JobState::kStaged,        JobEvent::kFinalize,     Applies::kAny,         JobState::kFinalizing},
    {JobState::kStaged,        JobEvent::kCancel,       Applies::kAny,         JobState::kCancelled},

    {JobState::kFinalizing,    JobEvent::kLeave,        Applies::kReboots,     JobState::kRebooting},
    {JobState::kFinalizing,    JobEvent::kApplied,      Applies::kLive,        JobState::kVerifying},
    {JobState::kFinalizing,    JobEvent::kUndo,         Applies::kReversible,  JobState::kRollingBack},
    {JobState::kFinalizing,    JobEvent::kError,        Applies::kReversible,  JobState::kRollingBack},
    {JobState::kFinalizing,    JobEvent::kError,        Applies::kInstall,     JobState::kFailed},

    {JobState::kRebooting,     JobEvent::kBooted,       Applies::kReboots,     JobState::kVerifying},
    {JobState::kRebooting,     JobEvent::kStuck,        Applies::kReboots,     JobState::kVerifying},
    {JobState::kRebooting,     JobEvent::kUnattended,   Applies::kUnattended,  JobState::kSucceeded},

    {JobState::kVerifying,     JobEvent::kCommit,       Applies::kAny,         JobState::kSucceeded},
    {JobState::kVerifying,     JobEvent::kUndo,         Applies::kReversible,  JobState::kRollingBack},
    {JobState::kVerifying,     JobEvent::kError,        Applies::kReversible,  JobState::kRollingBack},
    {JobState::kVerifying,     JobEvent::kError,        Applies::kInstall,     JobState::kFailed},

    {JobState::kRollingBack,   JobEvent::kRestored,     Applies::kReversible,  JobState::kRolledBack},
    {JobState::kRollingBack,   JobEvent::kError,        Applies::kReversible,  JobState::kFailed},
};
// clang-format on

bool AppliesTo(Applies applies, const Job& job) {
  const bool install = job.plan.has_value() && job.plan->kind == ServicingKind::kCleanInstall;
  const bool reboots = job.plan.has_value() && job.plan->reboots;
  switch (applies) {
    case Applies::kAny:
      return true;
    case Applies::kReboots:
      return reboots;
    case Applies::kLive:
      return !reboots;
    case Applies::kReversible:
      return !install;
    case Applies::kInstall:
      return install;
    case Applies::kUnattended:
      return job.plan.has_value() && job.plan->unattended_target;
  }
  return false;
}

}  // namespace

std::string_view JobEventName(JobEvent event) {
  switch (event) {
    case JobEvent::kPlan:
      return "plan";
    case JobEvent::kPlanned:
      return "planned";
    case JobEvent::kNothingToDo:
      return "nothing-to-do";
    case JobEvent::kResume:
      return "resume";
    case JobEvent::kStaged:
      return "staged";
    case JobEvent::kFinalize:
      return "finalize";
    case JobEvent::kLeave:
      return "leave";
    case JobEvent::kApplied:
      return "applied";
    case JobEvent::kBooted:
      return "booted";
    case JobEvent::kStuck:
      return "stuck";
    case JobEvent::kUnattended:
      return "unattended";
    case JobEvent::kCommit:
      return "commit";
    case JobEvent::kError:
      return "error";
    case JobEvent::kUndo:
      return "undo";
    case JobEvent::kRestored:
      return "restored";
    case JobEvent::kCancel:
      return "cancel";
  }
  return "";
}

std::span<const TransitionRule> TransitionRules() { return kRules; }

absl::StatusOr<JobState> NextState(const Job& job, JobEvent event) {
  for (const TransitionRule& rule : kRules) {
    if (rule.from == job.state && rule.event == event && AppliesTo(rule.applies, job)) {
      return rule.to;
    }
  }
  return MakeError(absl::StatusCode::kInternal, "internal", "transition",
                   absl::StrCat("Job ", job.id, " in state ", std::string(JobStateName(job.state)),
                                " cannot take the event ", std::string(JobEventName(event)), "."),
                   "This is a bug in the agent; please report it with the agent's log.");
}

}  // namespace trident
