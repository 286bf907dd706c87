// The metrics as a file, for the textfile collector of a node exporter.
#ifndef TRIDENT_AGENT_REPORTING_METRICS_FILE_H_
#define TRIDENT_AGENT_REPORTING_METRICS_FILE_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "agent/host/files.h"
#include "agent/reporting/event_sink.h"

namespace trident {

// Written at the begin, at the end, and after events, though not more often than once in each
// `pause`. By a thread of its own: a disk may be slow. What cannot be written is told once, and
// tried again with the next event.
class MetricsFile : public EventSink {
 public:
  MetricsFile(Files& files, std::string path, std::function<std::string()> text,
              std::chrono::milliseconds pause = std::chrono::seconds(5));
  ~MetricsFile() override;
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  void OnEvent(const Event& event) override;

 private:
  void Run();

  Files& files_;
  const std::string path_;
  const std::function<std::string()> text_;
  const std::chrono::milliseconds pause_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stale_ = true;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_METRICS_FILE_H_
