#include "agent/jobs/journal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/jobs/event_codec.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr size_t kRecentEvents = 1024;
// How much of the journal a watcher that is far behind reads at once.
constexpr size_t kReadAhead = 32;

absl::Status OutOfRange(const char* subkind, std::string message) {
  return MakeError(absl::StatusCode::kOutOfRange, "precondition", subkind, std::move(message),
                   "Start over: ask for the status without a sequence.");
}

}  // namespace

class JournalSubscription final : public Subscription {
 public:
  JournalSubscription(Journal& journal, std::shared_ptr<Journal::Watcher> watcher, uint64_t place)
      : journal_(journal), watcher_(std::move(watcher)), place_(place) {}

  ~JournalSubscription() override {
    {
      const std::lock_guard lock(journal_.mutex_);
      journal_.SetWaiting(*watcher_, true);  // nobody needs to wait for it
      journal_.watchers_.erase(watcher_);
    }
    const std::lock_guard lock(watcher_->wake_mutex);
    watcher_->wake = nullptr;
  }

  absl::StatusOr<std::optional<Event>> Next() override {
    if (ahead_.empty()) {
      const std::lock_guard lock(journal_.mutex_);
      const uint64_t next = place_ + 1;
      if (place_ >= journal_.newest_) {
        if (journal_.ephemeral_ != nullptr && seen_ephemeral_ < journal_.ephemeral_version_) {
          seen_ephemeral_ = journal_.ephemeral_version_;
          journal_.SetWaiting(*watcher_, false);
          return *journal_.ephemeral_;
        }
        journal_.SetWaiting(*watcher_, true);
        return std::nullopt;
      }
      journal_.SetWaiting(*watcher_, false);
      if (!journal_.recent_.empty() && next >= journal_.recent_.front()->sequence) {
        place_ = next;
        return *journal_.recent_[next - journal_.recent_.front()->sequence];
      }
    }
    if (ahead_.empty()) TRIDENT_RETURN_IF_ERROR(ReadAhead());
    Event event = std::move(ahead_.front());
    ahead_.pop_front();
    place_ = event.sequence;
    return event;
  }

 private:
  absl::Status ReadAhead() {
    TRIDENT_ASSIGN_OR_RETURN(const auto records, journal_.store_.Events(place_, kReadAhead));
    if (records.empty() || records.front().sequence != place_ + 1) {
      return OutOfRange("pruned",
                        absl::StrCat("The journal does not keep event ", place_ + 1, " any more."));
    }
    for (const EventRecord& record : records) {
      TRIDENT_ASSIGN_OR_RETURN(Event event, EventFromJson(record.sequence, record.body));
      ahead_.push_back(std::move(event));
    }
    return absl::OkStatus();
  }

  Journal& journal_;
  const std::shared_ptr<Journal::Watcher> watcher_;
  uint64_t place_;
  uint64_t seen_ephemeral_ = 0;
  std::deque<Event> ahead_;
};

absl::Status Journal::Load() {
  TRIDENT_ASSIGN_OR_RETURN(const JournalBounds bounds, store_.Bounds());
  const std::lock_guard lock(mutex_);
  newest_ = bounds.newest;
  return absl::OkStatus();
}

uint64_t Journal::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

Event Journal::Stamp(Event event) const {
  event.wall_micros = clock_.WallMicros();
  event.boot_id = clock_.BootId();
  event.boottime_nanos = clock_.BootNanos();
  return event;
}

void Journal::SetWaiting(Watcher& watcher, bool waiting) {
  if (watcher.waiting == waiting) return;
  watcher.waiting = waiting;
  if (!waiting) {
    ++behind_;
  } else if (--behind_ == 0) {
    all_read_.notify_all();
  }
}

std::vector<std::shared_ptr<Journal::Watcher>> Journal::TakeWaiting() {
  std::vector<std::shared_ptr<Watcher>> result;
  for (const auto& watcher : watchers_) {
    if (!watcher->waiting) continue;
    SetWaiting(*watcher, false);
    result.push_back(watcher);
  }
  return result;
}

void Journal::Wake(const std::vector<std::shared_ptr<Watcher>>& watchers) {
  for (const auto& watcher : watchers) {
    const std::lock_guard lock(watcher->wake_mutex);
    // A copy, because the call may end the subscription.
    if (const auto wake = watcher->wake) wake();
  }
}

absl::Status Journal::Commit(StoreChange change, std::vector<Event> events,
                             const std::function<void()>& applied) {
  for (Event& event : events) {
    event = Stamp(std::move(event));
    change.events.push_back(EventToJson(event));
  }
  TRIDENT_ASSIGN_OR_RETURN(uint64_t sequence, store_.Apply(change));
  if (applied) applied();
  if (events.empty()) return absl::OkStatus();
  std::vector<std::shared_ptr<Watcher>> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (Event& event : events) {
      event.sequence = sequence++;
      newest_ = event.sequence;
      // What was told of a step is of no use once that step has ended.
      if (event.transition || (event.step.has_value() && !event.log.has_value())) {
        ephemeral_ = nullptr;
      }
      recent_.push_back(std::make_shared<const Event>(std::move(event)));
      if (recent_.size() > kRecentEvents) recent_.pop_front();
    }
    waiting = TakeWaiting();
  }
  Wake(waiting);
  return absl::OkStatus();
}

void Journal::Tell(Event event) {
  auto told = std::make_shared<const Event>(Stamp(std::move(event)));
  std::vector<std::shared_ptr<Watcher>> waiting;
  {
    const std::lock_guard lock(mutex_);
    ephemeral_ = std::move(told);
    ++ephemeral_version_;
    waiting = TakeWaiting();
  }
  Wake(waiting);
}

absl::StatusOr<std::unique_ptr<Subscription>> Journal::Subscribe(
    std::optional<uint64_t> after_sequence, const std::string& journal_id,
    std::function<void()> wake) {
  if (!journal_id.empty() && journal_id != id()) {
    return OutOfRange("journal-changed",
                      absl::StrCat("The journal of this agent is ", id(), ", not ", journal_id,
                                   ": the host was installed anew or its store was replaced."));
  }
  // Before the lock: the store may be busy with a write. What is pruned after it shows in Next.
  TRIDENT_ASSIGN_OR_RETURN(const JournalBounds bounds, store_.Bounds());
  auto watcher = std::make_shared<Watcher>();
  watcher->wake = std::move(wake);
  const std::lock_guard lock(mutex_);
  const uint64_t place = after_sequence.value_or(newest_);
  if (place > newest_) {
    return OutOfRange("future", absl::StrCat("The journal ends at event ", newest_, "; event ",
                                             place, " is not there yet."));
  }
  const uint64_t oldest = bounds.oldest != 0 ? bounds.oldest : bounds.newest + 1;
  if (place + 1 < oldest) {
    return OutOfRange("pruned", absl::StrCat("The journal does not keep event ", place + 1,
                                             " any more; it begins with ", oldest, "."));
  }
  watcher->waiting = place == newest_;
  if (!watcher->waiting) ++behind_;
  watchers_.insert(watcher);
  return std::make_unique<JournalSubscription>(*this, std::move(watcher), place);
}

void Journal::WaitUntilRead(std::chrono::milliseconds limit, const Cancellation& cancellation) {
  constexpr auto kLook = std::chrono::milliseconds(20);  // how soon a cancellation is noticed
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::unique_lock lock(mutex_);
  while (behind_ != 0 && !cancellation.cancelled()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return;
    all_read_.wait_until(lock, std::min(deadline, now + kLook));
  }
}

}  // namespace trident
