#include "tests/agent/jobs/fake/fake_job_manager.h"

#include <chrono>
#include <utility>

#include "common/base/error.h"

namespace trident::test {

class FakeJobManager::FakeSubscription : public Subscription {
 public:
  FakeSubscription(FakeJobManager& manager, uint64_t place, std::function<void()> wake)
      : wake_(std::move(wake)), manager_(manager), place_(place) {}
  ~FakeSubscription() override {
    const std::lock_guard lock(manager_.mutex_);
    manager_.subscriptions_.erase(this);
    manager_.changed_.notify_all();
  }

  absl::StatusOr<std::optional<Event>> Next() override {
    const std::lock_guard lock(manager_.mutex_);
    if (place_ < manager_.pruned_) return absl::OutOfRangeError("pruned");
    const auto next = manager_.events_.upper_bound(place_);
    if (next != manager_.events_.end()) {
      place_ = next->first;
      return next->second;
    }
    return std::exchange(progress_, std::nullopt);
  }

  const std::function<void()> wake_;
  std::optional<Event> progress_;

 private:
  FakeJobManager& manager_;
  uint64_t place_;
};

void FakeJobManager::SetJob(const JobSummary& job) {
  const std::lock_guard lock(mutex_);
  std::erase_if(jobs_, [&](const JobSummary& other) { return other.id == job.id; });
  jobs_.push_back(job);
}

uint64_t FakeJobManager::Append(Event event) {
  if (event.transition && event.job) SetJob(*event.job);
  const std::lock_guard lock(mutex_);
  event.sequence = ++newest_;
  events_[newest_] = std::move(event);
  for (FakeSubscription* subscription : subscriptions_) subscription->wake_();
  return newest_;
}

void FakeJobManager::Report(const ProgressEvent& progress, const JobSummary& job) {
  const std::lock_guard lock(mutex_);
  Event event;
  event.progress = progress;
  event.job = job;
  for (FakeSubscription* subscription : subscriptions_) {
    subscription->progress_ = event;
    subscription->wake_();
  }
}

void FakeJobManager::Prune(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  pruned_ = sequence;
  events_.erase(events_.begin(), events_.upper_bound(sequence));
}

size_t FakeJobManager::subscriptions() const {
  const std::lock_guard lock(mutex_);
  return subscriptions_.size();
}

bool FakeJobManager::AwaitSubscriptions(size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(30),
                           [&] { return subscriptions_.size() == count; });
}

absl::StatusOr<Submitted> FakeJobManager::Submit(const Submission& submitted) {
  submission = submitted;
  return submit;
}

absl::StatusOr<Plan> FakeJobManager::PlanOnly(const HostConfiguration& /*desired*/,
                                              bool /*force*/) {
  during_plan();
  return plan;
}

absl::StatusOr<JobSummary> FakeJobManager::Pull(const std::string& name,
                                                const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  lever_name = name;
  lever_job = job_id;
  return lever;
}

absl::StatusOr<JobSummary> FakeJobManager::Finalize(const std::string& job_id) {
  return Pull("finalize", job_id);
}
absl::StatusOr<JobSummary> FakeJobManager::Commit(const std::string& job_id) {
  return Pull("commit", job_id);
}
absl::StatusOr<JobSummary> FakeJobManager::RollBack(const std::string& job_id) {
  return Pull("rollback", job_id);
}
absl::StatusOr<JobSummary> FakeJobManager::Cancel(const std::string& job_id) {
  return Pull("cancel", job_id);
}

absl::StatusOr<std::vector<JobSummary>> FakeJobManager::List(size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<JobSummary> list(jobs_.rbegin(), jobs_.rend());
  if (limit != 0 && list.size() > limit) list.resize(limit);
  return list;
}

absl::StatusOr<JobSummary> FakeJobManager::Find(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  for (const JobSummary& job : jobs_) {
    if (job.id == job_id) return job;
  }
  return absl::NotFoundError("no job " + job_id);
}

absl::StatusOr<AllowedOperations> FakeJobManager::OperationsOf(const std::string& /*job_id*/) {
  return operations;
}

absl::StatusOr<JobManager::RecordedConfiguration> FakeJobManager::Configuration() {
  return configuration;
}

Snapshot FakeJobManager::Now() {
  const std::lock_guard lock(mutex_);
  Snapshot snapshot{.status_yaml = status_yaml,
                    .journal_id = journal_id,
                    .newest_sequence = newest_,
                    .job = std::nullopt};
  if (!jobs_.empty()) snapshot.job = jobs_.back();
  return snapshot;
}

absl::StatusOr<std::unique_ptr<Subscription>> FakeJobManager::Subscribe(
    std::optional<uint64_t> after_sequence, const std::string& journal,
    std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  if (!journal.empty() && journal != journal_id) {
    return MakeError(absl::StatusCode::kOutOfRange, "precondition", "other-journal",
                     "journal " + journal + " is not this agent's");
  }
  if (after_sequence && (*after_sequence > newest_ || *after_sequence < pruned_)) {
    return MakeError(absl::StatusCode::kOutOfRange, "precondition", "sequence",
                     "the journal does not reach from there");
  }
  wake();  // may happen during the call
  auto subscription =
      std::make_unique<FakeSubscription>(*this, after_sequence.value_or(newest_), std::move(wake));
  subscriptions_.insert(subscription.get());
  changed_.notify_all();
  return subscription;
}

Event TransitionOf(const JobSummary& job) {
  Event event;
  event.job = job;
  event.transition = true;
  event.wall_micros = 1'700'000'000'123'456;
  event.boot_id = "boot-1";
  event.boottime_nanos = 42;
  return event;
}

Event StepOf(const JobSummary& job, StepEvent::State state, const std::string& id) {
  Event event;
  event.job = job;
  event.step = StepEvent{.id = id,
                         .description = "write the image of root",
                         .phase = Phase::kStage,
                         .index = 3,
                         .count = 12,
                         .state = state};
  return event;
}

Event LogOf(const JobSummary& job, const std::string& message) {
  Event event;
  event.job = job;
  event.log = LogEvent{.level = "info", .message = message};
  return event;
}

}  // namespace trident::test
