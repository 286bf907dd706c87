// A host of one test: a real store in a temporary folder, a servicer and a clock that obey the
// test, and managers that come and go over them as processes do.
#ifndef TRIDENT_TESTS_AGENT_JOBS_JOB_BENCH_H_
#define TRIDENT_TESTS_AGENT_JOBS_JOB_BENCH_H_

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/datastore/datastore.h"
#include "agent/host/clock.h"
#include "agent/jobs/job_manager.h"
#include "agent/servicing/servicer.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {

class FakeClock final : public Clock {
 public:
  int64_t WallMicros() const override;
  int64_t BootNanos() const override;
  std::string BootId() const override;
  void Reboot();

 private:
  mutable std::mutex mutex_;
  mutable int64_t now_ = 0;
  int boot_ = 1;
};

// Calls have names: "plan", the id of a step, "inspect", "health", "rollback", "reboot", "cleanup".
class FakeServicer final : public Servicer {
 public:
  absl::StatusOr<Plan> MakePlan(const HostConfiguration& desired, const Recorded& recorded,
                                bool force, const Cancellation& cancellation) override;
  absl::Status Refresh(const Recorded& recorded, HostStatus& status) override;
  std::vector<std::string> Watch(HostStatus& status) override;
  absl::Status RunStep(const StepRun& run) override;
  absl::Status CleanUp(const Recorded& recorded) override;
  absl::StatusOr<BootFinding> InspectBoot(const HostConfiguration& configuration, const Plan& plan,
                                          const HostStatus& status) override;
  absl::Status CheckHealth(const HostConfiguration& configuration, const Plan& plan,
                           const HostStatus& status, const Cancellation& cancellation) override;
  absl::Status RollBack(const HostConfiguration& configuration, const Plan& plan,
                        const HostStatus& status, bool& needs_reboot) override;
  absl::Status Reboot() override;

  // The call waits until it is cancelled.
  void BlockAt(const std::string& call);
  void FailAt(const std::string& call, absl::Status error);
  void Heal();  // no call blocks or fails
  std::vector<std::string> calls() const;
  // Waits until the call was begun as often.
  void WaitForCall(const std::string& call, int times = 1);
  void set_plan(Plan plan);
  void set_target_booted(bool booted);
  void set_lacks_options(bool lacks);
  void set_needs_reboot(bool needs);
  void set_target_range(StoreRange range);
  // Watch finds it the next time, once.
  void set_root_device(std::string path);

 private:
  absl::Status Enter(const std::string& call, const Cancellation* cancellation);

  mutable std::mutex mutex_;
  std::condition_variable entered_;
  std::vector<std::string> calls_;
  std::string block_at_;
  std::map<std::string, absl::Status> fail_at_;
  Plan plan_;
  bool target_booted_ = true;
  bool lacks_options_ = false;
  bool needs_reboot_ = false;
  StoreRange target_range_{1, 1};
  std::optional<std::string> new_root_device_;
};

Plan UpdatePlan();
Plan InstallPlan();
Plan LivePlan();
Plan ConfirmedPlan();  // its step "confirm" waits for the operator
// Changes the volume that runs, and boots it again with other options of the kernel: "apply",
// "try", "leave", "commit".
Plan RebootPlan();
Plan NoPlan();

// A valid configuration; those of different numbers differ.
HostConfiguration SomeConfiguration(int number = 1);

// Reads a manager's journal from a place on.
class Follower {
 public:
  Follower(JobManager& jobs, std::optional<uint64_t> after);
  // Reads until an event fits and returns it; fails the test after half a minute.
  Event Until(const std::function<bool(const Event&)>& fits);
  Event UntilState(JobState state);
  // All that is there now.
  std::vector<Event> Drain();

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool awake_ = false;
  std::unique_ptr<Subscription> subscription_;
};

class JobBench {
 public:
  JobBench();

  // Begins a process: opens the store and starts a manager.
  void Start();
  // Ends it.
  void Stop();
  void Restart() {
    Stop();
    Start();
  }
  void Reboot() {
    Stop();
    clock.Reboot();
    Start();
  }

  // Submits with both operations; fails the test when it is refused.
  std::string Submit(int configuration = 1, AllowedOperations operations = AllowedOperations::All(),
                     bool force = false);
  absl::StatusOr<Submitted> TrySubmit(int configuration, AllowedOperations operations,
                                      bool force = false, const std::string& plan_digest = "");
  // Reboots the host when the job wants it, until the job has ended.
  JobSummary RunToEnd(const std::string& job_id);
  // States of all transitions in the journal, joined by blanks.
  std::string Chain();
  // All durable events of the journal; checks that each sequence is there once.
  std::vector<Event> Journal();

  FakeClock clock;
  FakeServicer servicer;
  TemporaryDirectory folder;
  OpenOptions store_options;
  std::vector<Migration> migrations{BuiltinMigrations().begin(), BuiltinMigrations().end()};
  JobManagerOptions options{.allowed_operations = AllowedOperations::All(),
                            .drain_limit = std::chrono::milliseconds(0),
                            .watch_interval = std::chrono::milliseconds(10)};
  std::unique_ptr<Datastore> store;
  std::unique_ptr<JobManager> jobs;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_JOBS_JOB_BENCH_H_
