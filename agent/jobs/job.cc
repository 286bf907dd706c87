#include "agent/jobs/job.h"

#include <array>
#include <utility>

#include "agent/jobs/event.h"

namespace trident {
namespace {

constexpr std::array<std::pair<JobState, std::string_view>, 12> kNames = {{
    {JobState::kQueued, "queued"},
    {JobState::kPlanning, "planning"},
    {JobState::kStaging, "staging"},
    {JobState::kStaged, "staged"},
    {JobState::kFinalizing, "finalizing"},
    {JobState::kRebooting, "rebooting"},
    {JobState::kVerifying, "verifying"},
    {JobState::kRollingBack, "rolling-back"},
    {JobState::kSucceeded, "succeeded"},
    {JobState::kFailed, "failed"},
    {JobState::kCancelled, "cancelled"},
    {JobState::kRolledBack, "rolled-back"},
}};

}  // namespace

std::string_view JobStateName(JobState state) {
  for (const auto& [value, name] : kNames) {
    if (value == state) return name;
  }
  return "";
}

std::optional<JobState> JobStateFromName(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

bool IsFinal(JobState state) {
  return state == JobState::kSucceeded || state == JobState::kFailed ||
         state == JobState::kCancelled || state == JobState::kRolledBack;
}

JobSummary Summarize(const Job& job) {
  JobSummary summary;
  summary.id = job.id;
  summary.state = job.state;
  if (job.plan.has_value()) {
    summary.kind = job.plan->kind;
    summary.target = job.plan->target;
  }
  summary.configuration_digest = job.configuration_digest;
  summary.reason = job.reason;
  summary.error = job.error;
  summary.created_micros = job.created_micros;
  summary.updated_micros = job.updated_micros;
  return summary;
}

}  // namespace trident
