#include "agent/jobs/job_codec.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {

JobRecord RecordOfJob(const Job& job) {
  JobRecord record;
  record.id = job.id;
  record.state = JobStateName(job.state);
  record.configuration = job.configuration;
  record.configuration_digest = job.configuration_digest;
  record.allow_update = job.operations.update;
  record.allow_transition = job.operations.transition;
  record.force = job.force;
  if (job.plan.has_value()) record.plan = PlanToJson(*job.plan);
  record.steps_done = static_cast<int64_t>(job.steps_done);
  record.boot_id = job.boot_id;
  record.reason = job.reason;
  if (job.error.has_value()) record.error = ErrorDetailToJson(*job.error);
  record.own_range = job.own_range;
  record.target_range = job.target_range;
  record.roll_back_reboots = job.roll_back_reboots;
  record.created_micros = job.created_micros;
  record.updated_micros = job.updated_micros;
  return record;
}

absl::StatusOr<Job> JobOfRecord(const JobRecord& record) {
  const auto state = JobStateFromName(record.state);
  if (!state.has_value()) {
    return MakeError(absl::StatusCode::kUnimplemented, "datastore", "foreign-job",
                     absl::StrCat("Job ", record.id, " is in state \"", record.state,
                                  "\", which another version of the agent wrote and this one does "
                                  "not know."),
                     "Let the agent that wrote it bring the job to its end.");
  }
  Job job;
  job.id = record.id;
  job.state = *state;
  job.configuration = record.configuration;
  job.configuration_digest = record.configuration_digest;
  job.operations = {.update = record.allow_update, .transition = record.allow_transition};
  job.force = record.force;
  if (record.plan.has_value()) {
    auto plan = PlanFromJson(*record.plan);
    if (plan.ok()) {
      job.plan = *std::move(plan);
    } else if (!IsFinal(job.state)) {
      return MakeError(absl::StatusCode::kUnimplemented, "datastore", "foreign-job",
                       absl::StrCat("Job ", record.id, " in state ", record.state,
                                    " has a plan that this agent cannot read: ",
                                    std::string(plan.status().message())),
                       "Let the agent that wrote it bring the job to its end.");
    }
  }
  job.steps_done = static_cast<size_t>(record.steps_done);
  job.boot_id = record.boot_id;
  job.reason = record.reason;
  if (record.error.has_value()) {
    auto error = ErrorDetailFromJson(*record.error);
    if (error.ok()) job.error = *std::move(error);
  }
  job.own_range = record.own_range;
  job.target_range = record.target_range;
  job.roll_back_reboots = static_cast<int>(record.roll_back_reboots);
  job.created_micros = record.created_micros;
  job.updated_micros = record.updated_micros;
  return job;
}

JobSummary SummarizeRecord(const JobRecord& record) {
  const auto job = JobOfRecord(record);
  if (job.ok()) return Summarize(*job);
  JobSummary summary;
  summary.id = record.id;
  summary.configuration_digest = record.configuration_digest;
  summary.reason = std::string(job.status().message());
  summary.error = GetErrorDetail(job.status());
  summary.created_micros = record.created_micros;
  summary.updated_micros = record.updated_micros;
  return summary;
}

}  // namespace trident
