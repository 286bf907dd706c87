// The signals that ask a process to end, taken by waiting instead of by a handler.
#ifndef TRIDENT_AGENT_HOST_STOP_SIGNALS_H_
#define TRIDENT_AGENT_HOST_STOP_SIGNALS_H_

#include <atomic>
#include <functional>
#include <thread>

namespace trident {

// Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and in those started later, so that none
// of them ends the process. Make it before any thread. Ignores SIGPIPE: a reader that went away is
// an error of the write.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Calls `stop` from a thread of its own when one of the signals comes. Once.
  void OnStop(std::function<void()> stop);

 private:
  std::thread waiter_;
  std::atomic<bool> ending_{false};
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_STOP_SIGNALS_H_
