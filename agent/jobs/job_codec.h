// Jobs as the store keeps them.
#ifndef TRIDENT_AGENT_JOBS_JOB_CODEC_H_
#define TRIDENT_AGENT_JOBS_JOB_CODEC_H_

#include "absl/status/statusor.h"
#include "agent/datastore/datastore.h"
#include "agent/jobs/event.h"
#include "agent/jobs/job.h"

namespace trident {

JobRecord RecordOfJob(const Job& job);

// UNIMPLEMENTED, kind "datastore", subkind "foreign-job": the state or the plan was written by
// another version of the agent and is not known to this one.
absl::StatusOr<Job> JobOfRecord(const JobRecord& record);

// What can be told of any record. Of a foreign one the state is kQueued and the reason says so.
JobSummary SummarizeRecord(const JobRecord& record);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_JOB_CODEC_H_
