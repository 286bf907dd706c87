#include "agent/reporting/metrics.h"

#include <array>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/version.h"
#include "common/status/host_status.h"

namespace trident {
namespace {

constexpr std::array kFinalStates = {JobState::kSucceeded, JobState::kFailed, JobState::kCancelled,
                                     JobState::kRolledBack};
constexpr std::array kActiveStates = {
    JobState::kQueued,     JobState::kPlanning,  JobState::kStaging,   JobState::kStaged,
    JobState::kFinalizing, JobState::kRebooting, JobState::kVerifying, JobState::kRollingBack};

using Labels = std::vector<std::pair<std::string, std::string>>;

// Writes families of metrics, each with its help and type.
class Exposition {
 public:
  void Family(const char* name, const char* type, const char* help) {
    absl::StrAppend(&text_, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
  }

  template <typename Value>
  void Sample(std::string_view name, const Labels& labels, Value value) {
    absl::StrAppend(&text_, std::string(name));
    const char* separator = "{";
    for (const auto& [label, content] : labels) {
      absl::StrAppend(&text_, separator, label, "=\"", Escaped(content), "\"");
      separator = ",";
    }
    absl::StrAppend(&text_, labels.empty() ? "" : "}", " ", value, "\n");
  }

  std::string Take() { return std::move(text_); }

 private:
  static std::string Escaped(const std::string& content) {
    std::string escaped;
    for (const char c : content) {
      if (c == '\\' || c == '"') escaped += '\\';
      if (c == '\n') {
        escaped += "\\n";
      } else {
        escaped += c;
      }
    }
    return escaped;
  }

  std::string text_;
};

// Microseconds of the wall clock as seconds that keep their fraction.
std::string Timestamp(int64_t micros) {
  std::string fraction = std::to_string(1'000'000 + micros % 1'000'000).substr(1, 3);
  return absl::StrCat(micros / 1'000'000, ".", fraction);
}

void AddStatus(const std::string& yaml, Exposition& out) {
  const absl::StatusOr<HostStatus> status = ParseHostStatus(yaml);
  if (!status.ok()) return;
  if (status->storage.ab_update) {
    out.Family("trident_volume_active", "gauge",
               "Whether the host runs from this volume of its A/B pairs.");
    for (const Volume volume : {Volume::kA, Volume::kB}) {
      out.Sample("trident_volume_active", {{"volume", std::string(VolumeName(volume))}},
                 status->storage.ab_update->active_volume == volume ? 1 : 0);
    }
  }
  uint64_t degraded = 0;
  for (const auto& [id, array] : status->storage.raid_arrays) {
    if (array.status == RaidArrayStatus::State::kDegraded ||
        array.status == RaidArrayStatus::State::kFailed) {
      ++degraded;
    }
  }
  out.Family("trident_raid_arrays", "gauge", "RAID arrays that the agent has made.");
  out.Sample("trident_raid_arrays", {}, status->storage.raid_arrays.size());
  out.Family("trident_raid_arrays_degraded", "gauge",
             "RAID arrays that lack a member or have failed.");
  out.Sample("trident_raid_arrays_degraded", {}, degraded);
}

}  // namespace

Metrics::Metrics(Sources sources, int64_t started_micros)
    : sources_(std::move(sources)), started_micros_(started_micros) {}

void Metrics::SetLastSuccess(int64_t micros) {
  const std::lock_guard lock(mutex_);
  last_success_micros_ = micros;
}

void Metrics::SetActiveJob(JobState state) {
  const std::lock_guard lock(mutex_);
  active_ = state;
}

void Metrics::OnEvent(const Event& event) {
  if (event.sequence == 0) return;
  const std::lock_guard lock(mutex_);
  if (event.transition && event.job.has_value()) {
    const JobState state = event.job->state;
    if (IsFinal(state)) {
      ++ended_[state];
      active_.reset();
      if (state == JobState::kSucceeded) last_success_micros_ = event.wall_micros;
    } else {
      active_ = state;
    }
  }
  // A log record of a step names the step, too.
  if (!event.step.has_value() || event.log.has_value()) return;
  const StepEvent& step = *event.step;
  if (step.state == StepEvent::State::kStarted) {
    step_ = step.id;
    step_boot_ = event.boot_id;
    step_began_ = event.boottime_nanos;
    return;
  }
  const bool done = step.state == StepEvent::State::kDone;
  if (step_ == step.id && step_boot_ == event.boot_id) {
    Durations& durations = steps_[{step.id.substr(0, step.id.find('/')), done ? "done" : "failed"}];
    durations.seconds += static_cast<double>(event.boottime_nanos - step_began_) / 1e9;
    ++durations.count;
  }
  if (done) {
    fetched_ += step.bytes_to_fetch;
    written_ += step.bytes_to_write;
  }
}

std::string Metrics::Text() const {
  Exposition out;
  out.Family("trident_build_info", "gauge", "Version of the agent.");
  out.Sample("trident_build_info", {{"version", TRIDENT_VERSION}}, 1);
  out.Family("process_start_time_seconds", "gauge",
             "Start time of the process since unix epoch in seconds.");
  out.Sample("process_start_time_seconds", {}, Timestamp(started_micros_));
  {
    const std::lock_guard lock(mutex_);
    out.Family("trident_jobs_total", "counter", "Jobs that came to their end, by final state.");
    for (const JobState state : kFinalStates) {
      const auto found = ended_.find(state);
      out.Sample("trident_jobs_total", {{"state", std::string(JobStateName(state))}},
                 found == ended_.end() ? uint64_t{0} : found->second);
    }
    out.Family("trident_job_state", "gauge",
               "State of the active job: 1 for the one that it is in, all 0 without a job.");
    for (const JobState state : kActiveStates) {
      out.Sample("trident_job_state", {{"state", std::string(JobStateName(state))}},
                 active_ == state ? 1 : 0);
    }
    if (last_success_micros_) {
      out.Family("trident_last_success_timestamp_seconds", "gauge",
                 "When a job last succeeded, since unix epoch in seconds.");
      out.Sample("trident_last_success_timestamp_seconds", {}, Timestamp(*last_success_micros_));
    }
    out.Family("trident_step_duration_seconds", "summary",
               "How long steps of jobs took, by kind of step and how they ended.");
    for (const auto& [key, durations] : steps_) {
      const Labels labels = {{"step", key.first}, {"result", key.second}};
      out.Sample("trident_step_duration_seconds_sum", labels, durations.seconds);
      out.Sample("trident_step_duration_seconds_count", labels, durations.count);
    }
    out.Family("trident_image_fetched_bytes_total", "counter",
               "Bytes of image files that were fetched for volumes that are written.");
    out.Sample("trident_image_fetched_bytes_total", {}, fetched_);
    out.Family("trident_image_written_bytes_total", "counter",
               "Bytes of images that were written to volumes.");
    out.Sample("trident_image_written_bytes_total", {}, written_);
  }
  if (sources_.dropped_records) {
    out.Family("trident_log_records_dropped_total", "counter",
               "Log records that the log stream dropped because the server did not take them.");
    out.Sample("trident_log_records_dropped_total", {}, sources_.dropped_records());
  }
  AddStatus(sources_.status_yaml(), out);
  return out.Take();
}

}  // namespace trident
