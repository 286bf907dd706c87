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
  // It has nothing to do.
  void Rest() { last_.store(kResting, std::memory_order_relaxed); }

  // Since the last beat; zero while it rests.
  std::chrono::nanoseconds Silence(int64_t now) const {
    const int64_t last = last_.load(std::memory_order_relaxed);
    return std::chrono::nanoseconds(last == kResting ? 0 : std::max<int64_t>(0, now - last));
  }

 private:
  static constexpr int64_t kResting = -1;
  std::atomic<int64_t> last_{kResting};
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_PULSE_H_
