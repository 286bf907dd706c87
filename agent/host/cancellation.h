// A flag that tells long work to stop.
#ifndef TRIDENT_AGENT_HOST_CANCELLATION_H_
#define TRIDENT_AGENT_HOST_CANCELLATION_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace trident {

// Thread safe. Set once; never unset.
class Cancellation {
 public:
  void Cancel() {
    {
      const std::lock_guard lock(mutex_);
      cancelled_.store(true, std::memory_order_release);
    }
    changed_.notify_all();
  }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // Waits for at most `duration`. Returns true at once when it is or becomes cancelled.
  bool WaitFor(std::chrono::milliseconds duration) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, duration, [this] { return cancelled(); });
  }

 private:
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_CANCELLATION_H_
