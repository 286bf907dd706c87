// Events: what watchers see. Durable ones have a sequence and are in the journal.
#ifndef TRIDENT_AGENT_JOBS_EVENT_H_
#define TRIDENT_AGENT_JOBS_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "agent/jobs/job.h"

namespace trident {

struct StepEvent {
  std::string id;
  std::string description;
  Phase phase = Phase::kStage;
  uint32_t index = 0;  // 1-based
  uint32_t count = 0;
  uint64_t bytes_to_write = 0;  // that the step moves, as planned; 0: none, or not known
  uint64_t bytes_to_fetch = 0;
  enum class State { kStarted, kDone, kFailed } state = State::kStarted;
};

struct LogEvent {
  std::string level;  // error, warn, info
  std::string message;
};

struct ProgressEvent {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // 0: unknown
  double rate = 0;           // bytes per second
  double seconds_left = -1;  // negative: unknown
  double fraction = 0;       // of the whole plan, 0 to 1
};

// The part of a job that travels with an event: as it was when the event happened.
struct JobSummary {
  std::string id;
  JobState state = JobState::kQueued;
  ServicingKind kind = ServicingKind::kNone;
  std::optional<Volume> target;
  std::string configuration_digest;
  std::string reason;
  std::optional<ErrorDetail> error;
  int64_t created_micros = 0;
  int64_t updated_micros = 0;
};

JobSummary Summarize(const Job& job);

struct Event {
  uint64_t sequence = 0;  // 0: ephemeral (progress; or that the job stands still, with its error)
  int64_t wall_micros = 0;
  std::string boot_id;
  int64_t boottime_nanos = 0;
  std::optional<JobSummary> job;
  std::optional<StepEvent> step;
  std::optional<LogEvent> log;
  std::optional<ProgressEvent> progress;
  // This event is a transition of the job to job->state.
  bool transition = false;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_EVENT_H_
