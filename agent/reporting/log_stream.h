// Sends the agent's log to a server, record by record.
#ifndef TRIDENT_AGENT_REPORTING_LOG_STREAM_H_
#define TRIDENT_AGENT_REPORTING_LOG_STREAM_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/host/cancellation.h"
#include "agent/reporting/http_poster.h"
#include "common/base/logging.h"

namespace trident {

struct LogStreamOptions {
  size_t kept = 1000;            // records that wait
  size_t kept_bytes = 1 << 20;   // the same in bytes
  size_t message_bytes = 16384;  // longer messages are cut
  // After a failure, doubled up to the second.
  std::chrono::milliseconds first_pause = std::chrono::seconds(1);
  std::chrono::milliseconds longest_pause = std::chrono::seconds(30);
};

// Each record, debug or more severe, as {level, message, target, module, file, line}. Add never
// waits for the server: a record waits in a queue, and when the queue is full the oldest one is
// dropped. How many were dropped is told by a record of its own as soon as the server takes one
// again. The thread that sends never logs, so that no record is about sending records.
class LogStream {
 public:
  explicit LogStream(std::unique_ptr<HttpPoster> poster, LogStreamOptions options = {});
  // Sends what waits, for at most a moment.
  ~LogStream();
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;

  // From any thread.
  void Add(const LogRecord& record);

  // Since the begin.
  uint64_t dropped() const;
  uint64_t sent() const;

 private:
  void Send();
  void DropOldest();

  const std::unique_ptr<HttpPoster> poster_;
  const LogStreamOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;  // bodies
  size_t waiting_bytes_ = 0;
  bool ending_ = false;
  bool sending_ = false;
  uint64_t dropped_ = 0;
  uint64_t dropped_told_ = 0;
  uint64_t sent_ = 0;

  Cancellation cancellation_;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_LOG_STREAM_H_
