// The journal of events: written with the change that they tell of, and read by every watcher.
#ifndef TRIDENT_AGENT_JOBS_JOURNAL_H_
#define TRIDENT_AGENT_JOBS_JOURNAL_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/datastore/datastore.h"
#include "agent/host/cancellation.h"
#include "agent/host/clock.h"
#include "agent/jobs/event.h"
#include "agent/jobs/job_manager.h"

namespace trident {

// Thread safe. Must outlive its subscriptions.
class Journal {
 public:
  Journal(Datastore& store, Clock& clock) : store_(store), clock_(clock) {}

  // Reads where the journal ends. Call once, before anything else.
  absl::Status Load();

  const std::string& id() const { return store_.journal_id(); }
  uint64_t newest() const;

  // Writes the change and the events, all or nothing. Then calls `applied` (may be empty), then
  // tells the watchers. One caller at a time.
  absl::Status Commit(StoreChange change, std::vector<Event> events,
                      const std::function<void()>& applied);

  // Tells the watchers without writing; only the latest is kept, until the next transition or step.
  void Tell(Event event);

  // See JobManager::Subscribe.
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(std::optional<uint64_t> after_sequence,
                                                          const std::string& journal_id,
                                                          std::function<void()> wake);

  // Waits until every watcher has read everything, at most `limit`.
  void WaitUntilRead(std::chrono::milliseconds limit, const Cancellation& cancellation);

 private:
  friend class JournalSubscription;

  struct Watcher {
    // Held while `wake` runs. Recursive: it may end its own subscription.
    std::recursive_mutex wake_mutex;
    std::function<void()> wake;  // empty: the subscription has ended
    // Has read everything and waits to be woken. Guarded by Journal::mutex_.
    bool waiting = false;
  };

  Event Stamp(Event event) const;
  // Those to be woken. `mutex_` is held.
  std::vector<std::shared_ptr<Watcher>> TakeWaiting();
  static void Wake(const std::vector<std::shared_ptr<Watcher>>& watchers);
  // `mutex_` is held.
  void SetWaiting(Watcher& watcher, bool waiting);

  Datastore& store_;
  Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable all_read_;
  uint64_t newest_ = 0;
  std::deque<std::shared_ptr<const Event>> recent_;  // the newest events, without gaps
  std::shared_ptr<const Event> ephemeral_;
  uint64_t ephemeral_version_ = 0;
  std::unordered_set<std::shared_ptr<Watcher>> watchers_;
  size_t behind_ = 0;  // watchers that are not waiting
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_JOURNAL_H_
