// Tells an orchestrator how it goes: started, failed, succeeded.
#ifndef TRIDENT_AGENT_REPORTING_PHONEHOME_H_
#define TRIDENT_AGENT_REPORTING_PHONEHOME_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "agent/host/cancellation.h"
#include "agent/reporting/http_poster.h"
#include "common/base/error.h"

namespace trident {

struct PhonehomeOptions {
  // After each attempt that failed. As many attempts as waits make one series.
  std::vector<std::chrono::milliseconds> waits = {
      std::chrono::milliseconds(100),  std::chrono::milliseconds(200),
      std::chrono::milliseconds(400),  std::chrono::milliseconds(800),
      std::chrono::milliseconds(1000), std::chrono::milliseconds(1000),
      std::chrono::milliseconds(1000), std::chrono::milliseconds(0)};
  // From one series that failed to the next: a network may come up late. Doubled each time, up to
  // the longest.
  std::chrono::milliseconds first_pause = std::chrono::seconds(5);
  std::chrono::milliseconds longest_pause = std::chrono::minutes(1);
  // Messages that wait; the oldest of more are given up.
  size_t kept = 16;
};

// Messages are sent in their order by a thread of its own, so that nobody waits for the server:
// {"state": ..., "message": ..., "host_status": ...}. Thread safe.
class Phonehome {
 public:
  explicit Phonehome(std::unique_ptr<HttpPoster> poster, PhonehomeOptions options = {});
  // Ends what is being sent. What has not been sent is lost: see Flush.
  ~Phonehome();
  Phonehome(const Phonehome&) = delete;
  Phonehome& operator=(const Phonehome&) = delete;

  // `host_status`: YAML; empty: the message has no such member.
  // "Trident started (connection attempt N)", N counting from 0.
  void Started(std::string host_status);
  // "provisioning succeeded".
  void Succeeded(std::string host_status);
  // Everything that is known about the failure.
  void Failed(const ErrorDetail& error, std::string host_status);

  // Waits until everything is sent, or one series for it has failed, at most `limit`. True: sent.
  bool Flush(std::chrono::milliseconds limit);

  // Nothing more will come. The thread ends when everything is sent, or when one series has failed
  // from now on: a server that nobody has named any more is not waited for.
  void Leave();
  // The thread has ended after Leave.
  bool has_left();

 private:
  struct Message {
    std::string state;
    std::string text;  // empty: of the attempt
    std::string host_status;
  };

  void Add(Message message);
  void Send();
  // One series of attempts for the oldest message.
  bool SendSeries(const Message& message);
  static std::string Body(const Message& message, const std::string& text);

  const std::unique_ptr<HttpPoster> poster_;
  const PhonehomeOptions options_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> waiting_;
  bool ending_ = false;
  bool leaving_ = false;
  bool left_ = false;
  bool sending_ = false;
  bool resting_ = false;      // a series has failed, and the next one is not yet due
  uint64_t added_ = 0;        // messages ever
  uint64_t connections_ = 0;  // attempts of "started" so far; of the thread

  Cancellation cancellation_;
  std::thread thread_;
};

// The failure with its causes and what to do, each on a line.
std::string FailureText(const ErrorDetail& error);

// The URL that an agent configuration names which cannot be read as a whole: a line that begins
// with `phonehome:`, the rest of which is a URL.
std::optional<std::string> PhonehomeUrlIn(std::string_view broken_configuration);

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_PHONEHOME_H_
