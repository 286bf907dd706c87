// Numbers about what the agent does, in the text format of Prometheus.
#ifndef TRIDENT_AGENT_REPORTING_METRICS_H_
#define TRIDENT_AGENT_REPORTING_METRICS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "agent/reporting/event_sink.h"

namespace trident {

// Content-Type of the text, https://prometheus.io/docs/instrumenting/exposition_formats.
inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Counts what happens from its construction on; counters begin at zero with the process, as is
// usual. Thread safe.
class Metrics : public EventSink {
 public:
  struct Sources {
    // The Host Status as YAML.
    std::function<std::string()> status_yaml;
    // Records that the log stream has dropped; empty: there is no log stream.
    std::function<uint64_t()> dropped_records;
  };
  // `started_micros`: when the process began, wall clock.
  Metrics(Sources sources, int64_t started_micros);

  // Of what was before the process: the newest job that succeeded, wall clock.
  void SetLastSuccess(int64_t micros);
  // The job that was found in the store, if it is active.
  void SetActiveJob(JobState state);

  void OnEvent(const Event& event) override;

  std::string Text() const;

 private:
  struct Durations {
    double seconds = 0;
    uint64_t count = 0;
  };

  const Sources sources_;
  const int64_t started_micros_;

  mutable std::mutex mutex_;
  std::map<JobState, uint64_t> ended_;
  std::optional<JobState> active_;
  std::optional<int64_t> last_success_micros_;
  // By kind of step and how it ended.
  std::map<std::pair<std::string, std::string>, Durations> steps_;
  // The step that runs: id, boot, and when it began.
  std::string step_;
  std::string step_boot_;
  int64_t step_began_ = 0;
  uint64_t fetched_ = 0;
  uint64_t written_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_METRICS_H_
