// What the threads of one stream share: the first failure, the order to stop, and the counters.
#ifndef TRIDENT_AGENT_IMAGING_STREAM_STATE_H_
#define TRIDENT_AGENT_IMAGING_STREAM_STATE_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace trident {

// Thread safe.
class StreamState {
 public:
  // Only the first failure counts: later ones are its consequences. Everybody is told to stop.
  void Fail(absl::Status status) {
    {
      const std::lock_guard lock(mutex_);
      if (failure_.ok()) failure_ = std::move(status);
      stopped_.store(true, std::memory_order_release);
    }
    changed_.notify_all();
  }
  absl::Status failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  // The last thread has done its part.
  void Complete() {
    {
      const std::lock_guard lock(mutex_);
      complete_ = true;
    }
    changed_.notify_all();
  }
  bool complete() const {
    const std::lock_guard lock(mutex_);
    return complete_;
  }

  // Waits for the end of the stream, good or bad; at most `duration`. Returns whether it came.
  bool WaitForEnd(std::chrono::milliseconds duration) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, duration, [this] { return complete_ || stopped(); });
  }

  // Something a person may want to know while it goes on: a failed attempt.
  void Note(std::string text) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(text));
  }
  std::vector<std::string> TakeNotes() {
    const std::lock_guard lock(mutex_);
    return std::exchange(notes_, {});
  }

  // Bytes. They may go back when a stream starts over.
  std::atomic<uint64_t> fetched{0};
  std::atomic<uint64_t> fetch_total{0};  // 0: unknown
  std::atomic<uint64_t> written{0};

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  absl::Status failure_;
  bool complete_ = false;
  std::vector<std::string> notes_;
  std::atomic<bool> stopped_{false};
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_STREAM_STATE_H_
