// Whether the worker is alive: for the service manager's watchdog.
#ifndef TRIDENT_AGENT_JOBS_PULSE_H_
#define TRIDENT_AGENT_JOBS_PULSE_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace trident {

// Thread safe. Times are Clock::BootNanos().
class Pulse {
 public:
  // The worker works, and has just come a bit further.
  void Beat(int64_t now) { last_.store(now, std::memory_order_relaxed); }
  // What works now may be silent for so long, and no more is to be thought of it.
  void Allow(std::chrono::nanoseconds silence) {
    allowed_.store(silence.count(), std::memory_order_relaxed);
  }
  // It has nothing to do.
  void Rest() { last_.store(kResting, std::memory_order_relaxed); }

  // Since the last beat, without what is allowed; zero while it rests.
  std::chrono::nanoseconds Silence(int64_t now) const {
    const int64_t last = last_.load(std::memory_order_relaxed);
    if (last == kResting) return {};
    const int64_t allowed = allowed_.load(std::memory_order_relaxed);
    return std::chrono::nanoseconds(std::max<int64_t>(0, now - last - allowed));
  }

 private:
  static constexpr int64_t kResting = -1;
  std::atomic<int64_t> last_{kResting};
  std::atomic<int64_t> allowed_{0};
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_PULSE_H_
