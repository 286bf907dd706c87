// A job manager without jobs: tests say what it answers and append events to its journal.
#ifndef TRIDENT_TESTS_AGENT_JOBS_FAKE_FAKE_JOB_MANAGER_H_
#define TRIDENT_TESTS_AGENT_JOBS_FAKE_FAKE_JOB_MANAGER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/jobs/job_manager.h"

namespace trident::test {

class FakeJobManager : public JobManager {
 public:
  // What the next calls answer.
  absl::StatusOr<Submitted> submit = Submitted{};
  absl::StatusOr<Plan> plan = Plan{};
  absl::StatusOr<JobSummary> lever = JobSummary{};
  absl::StatusOr<RecordedConfiguration> configuration = RecordedConfiguration{};
  AllowedOperations operations = AllowedOperations::All();
  std::string journal_id = "journal-1";
  std::string status_yaml = "reconcileState: ready\n";
  // Called within PlanOnly, to hold it up.
  std::function<void()> during_plan = [] {};

  // What the last calls were given. Read with the call's end behind you.
  Submission submission;
  std::string lever_job;
  std::string lever_name;

  // A job in this state, newest of all; no event.
  void SetJob(const JobSummary& job);
  // Appends a durable event and wakes everybody, while a lock is held as a real manager may do.
  // Returns its sequence. A transition sets the job's state too.
  uint64_t Append(Event event);
  // Ephemeral.
  void Report(const ProgressEvent& progress, const JobSummary& job);
  // Forgets the events up to `sequence`.
  void Prune(uint64_t sequence);
  size_t subscriptions() const;
  // Waits until so many are subscribed; false when that takes too long.
  bool AwaitSubscriptions(size_t count) const;

  absl::Status Start() override { return absl::OkStatus(); }
  void Stop() override {}
  absl::StatusOr<Submitted> Submit(const Submission& submitted) override;
  absl::StatusOr<Plan> PlanOnly(const HostConfiguration& desired, bool force) override;
  absl::StatusOr<JobSummary> Finalize(const std::string& job_id) override;
  absl::StatusOr<JobSummary> Commit(const std::string& job_id) override;
  absl::StatusOr<JobSummary> RollBack(const std::string& job_id) override;
  absl::StatusOr<JobSummary> Cancel(const std::string& job_id) override;
  std::chrono::nanoseconds WorkerSilence() override { return {}; }
  absl::StatusOr<std::vector<JobSummary>> List(size_t limit) override;
  absl::StatusOr<JobSummary> Find(const std::string& job_id) override;
  absl::StatusOr<AllowedOperations> OperationsOf(const std::string& job_id) override;
  absl::StatusOr<RecordedConfiguration> Configuration() override;
  Snapshot Now() override;
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(std::optional<uint64_t> after_sequence,
                                                          const std::string& journal,
                                                          std::function<void()> wake) override;

 private:
  class FakeSubscription;
  absl::StatusOr<JobSummary> Pull(const std::string& name, const std::string& job_id);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<JobSummary> jobs_;  // newest last
  std::map<uint64_t, Event> events_;
  uint64_t newest_ = 0;
  uint64_t pruned_ = 0;
  std::set<FakeSubscription*> subscriptions_;
};

// An event of a job: a transition to job.state.
Event TransitionOf(const JobSummary& job);
Event StepOf(const JobSummary& job, StepEvent::State state,
             const std::string& id = "write-image/root");
Event LogOf(const JobSummary& job, const std::string& message);

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_JOBS_FAKE_FAKE_JOB_MANAGER_H_
