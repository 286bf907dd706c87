#include "tests/agent/jobs/job_bench.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/logging.h"
#include "common/config/document.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

Plan PlanOf(ServicingKind kind, bool reboots, std::vector<std::pair<std::string, Phase>> steps) {
  Plan plan;
  plan.kind = kind;
  plan.reboots = reboots;
  plan.digest = std::string(ServicingKindName(kind));
  for (auto& [id, phase] : steps) {
    Step step;
    step.id = id;
    step.description = id;
    step.phase = phase;
    step.bytes = 1000;
    if (id == "mount") step.kind = StepKind::kMountNewRoot;
    if (id == "unmount") step.kind = StepKind::kUnmountNewRoot;
    if (id == "write") step.kind = StepKind::kWriteImage;
    if (id == "manage") step.kind = StepKind::kConfigureManagement;
    if (id == "leave") step.kind = StepKind::kLeave;
    if (id == "commit") step.kind = StepKind::kCommitBoot;
    if (id == "firmware") step.kind = StepKind::kPointFirmware;
    if (id == "apply") step.kind = StepKind::kApplyManagement;
    if (id == "confirm") step.kind = StepKind::kConfirmNetwork;
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

}  // namespace

int64_t FakeClock::WallMicros() const {
  const std::lock_guard lock(mutex_);
  return ++now_;
}

int64_t FakeClock::BootNanos() const {
  const std::lock_guard lock(mutex_);
  return now_ += 1'000'000'000;
}

std::string FakeClock::BootId() const {
  const std::lock_guard lock(mutex_);
  return absl::StrCat("boot-", boot_);
}

void FakeClock::Reboot() {
  const std::lock_guard lock(mutex_);
  ++boot_;
}

absl::Status FakeServicer::Enter(const std::string& call, const Cancellation* cancellation) {
  bool block = false;
  absl::Status result;
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
    block = block_at_ == call && cancellation != nullptr;
    if (const auto found = fail_at_.find(call); found != fail_at_.end()) result = found->second;
    entered_.notify_all();
  }
  if (!block) return result;
  while (!cancellation->WaitFor(std::chrono::seconds(1))) {
  }
  return MakeError(absl::StatusCode::kCancelled, "cancelled", "cancelled", "was interrupted");
}

absl::StatusOr<Plan> FakeServicer::MakePlan(const HostConfiguration&, const Recorded&, bool,
                                            const Cancellation& cancellation) {
  TRIDENT_RETURN_IF_ERROR(Enter("plan", &cancellation));
  const std::lock_guard lock(mutex_);
  return plan_;
}

absl::Status FakeServicer::Refresh(const Recorded&, HostStatus& status) {
  status.storage.root_device_path = "/dev/root";
  return absl::OkStatus();
}

std::vector<std::string> FakeServicer::Watch(HostStatus& status) {
  const std::lock_guard lock(mutex_);
  if (!new_root_device_) return {};
  status.storage.root_device_path = *std::exchange(new_root_device_, std::nullopt);
  return {"the root device is another one"};
}

void FakeServicer::set_root_device(std::string path) {
  const std::lock_guard lock(mutex_);
  new_root_device_ = std::move(path);
}

absl::Status FakeServicer::RunStep(const StepRun& run) {
  if (run.step.kind == StepKind::kWriteImage) {
    run.status.management.datastore_path = "writing";
    TRIDENT_RETURN_IF_ERROR(run.save_status());
    run.reporter.Progress(500, 1000);
    run.reporter.Info("half way");
  }
  if (run.step.kind == StepKind::kConfigureManagement) {
    StoreRange range;
    {
      const std::lock_guard lock(mutex_);
      range = target_range_;
    }
    TRIDENT_RETURN_IF_ERROR(run.record_target_range(range));
  }
  if (run.step.kind == StepKind::kConfirmNetwork) {
    TRIDENT_RETURN_IF_ERROR(Enter("confirm", nullptr));
    while (!run.confirmed()) {
      if (run.cancellation.WaitFor(std::chrono::milliseconds(1))) {
        return MakeError(absl::StatusCode::kCancelled, "cancelled", "cancelled", "was interrupted");
      }
    }
    return absl::OkStatus();
  }
  TRIDENT_RETURN_IF_ERROR(Enter(run.step.id, &run.cancellation));
  if (run.step.kind == StepKind::kWriteImage) run.status.management.datastore_path = "written";
  return absl::OkStatus();
}

absl::Status FakeServicer::CleanUp(const Recorded&) { return Enter("cleanup", nullptr); }

absl::StatusOr<BootFinding> FakeServicer::InspectBoot(const HostConfiguration&, const Plan&,
                                                      const HostStatus&) {
  TRIDENT_RETURN_IF_ERROR(Enter("inspect", nullptr));
  const std::lock_guard lock(mutex_);
  return BootFinding{.target_booted = target_booted_,
                     .booted = target_booted_ ? "volume-b" : "volume-a",
                     .lacks_options = lacks_options_};
}

absl::Status FakeServicer::CheckHealth(const HostConfiguration&, const Plan&, const HostStatus&,
                                       const Cancellation& cancellation) {
  return Enter("health", &cancellation);
}

absl::Status FakeServicer::RollBack(const HostConfiguration&, const Plan&, const HostStatus&,
                                    bool& needs_reboot) {
  {
    const std::lock_guard lock(mutex_);
    needs_reboot = needs_reboot_;
  }
  return Enter("rollback", nullptr);
}

absl::Status FakeServicer::Reboot() { return Enter("reboot", nullptr); }

void FakeServicer::BlockAt(const std::string& call) {
  const std::lock_guard lock(mutex_);
  block_at_ = call;
}

void FakeServicer::FailAt(const std::string& call, absl::Status error) {
  const std::lock_guard lock(mutex_);
  fail_at_[call] = std::move(error);
}

void FakeServicer::Heal() {
  const std::lock_guard lock(mutex_);
  block_at_.clear();
  fail_at_.clear();
}

std::vector<std::string> FakeServicer::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void FakeServicer::WaitForCall(const std::string& call, int times) {
  std::unique_lock lock(mutex_);
  const bool reached = entered_.wait_for(
      lock, kPatience, [&] { return std::count(calls_.begin(), calls_.end(), call) >= times; });
  INFO("call " << call);
  REQUIRE(reached);
}

void FakeServicer::set_plan(Plan plan) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
}

void FakeServicer::set_target_booted(bool booted) {
  const std::lock_guard lock(mutex_);
  target_booted_ = booted;
}

void FakeServicer::set_lacks_options(bool lacks) {
  const std::lock_guard lock(mutex_);
  lacks_options_ = lacks;
}

void FakeServicer::set_needs_reboot(bool needs) {
  const std::lock_guard lock(mutex_);
  needs_reboot_ = needs;
}

void FakeServicer::set_target_range(StoreRange range) {
  const std::lock_guard lock(mutex_);
  target_range_ = range;
}

Plan UpdatePlan() {
  Plan plan = PlanOf(ServicingKind::kAbUpdate, true,
                     {{"write", Phase::kStage},
                      {"mount", Phase::kStage},
                      {"manage", Phase::kStage},
                      {"unmount", Phase::kStage},
                      {"firmware", Phase::kFinalize},
                      {"leave", Phase::kLeave},
                      {"commit", Phase::kCommit}});
  plan.target = Volume::kB;
  return plan;
}

Plan InstallPlan() {
  Plan plan = UpdatePlan();
  plan.kind = ServicingKind::kCleanInstall;
  plan.target = Volume::kA;
  return plan;
}

Plan LivePlan() {
  return PlanOf(ServicingKind::kNormalUpdate, false,
                {{"prepare", Phase::kStage}, {"apply", Phase::kFinalize}});
}

Plan ConfirmedPlan() {
  return PlanOf(ServicingKind::kNormalUpdate, false,
                {{"change", Phase::kFinalize}, {"confirm", Phase::kCommit}});
}

Plan RebootPlan() {
  Plan plan = PlanOf(ServicingKind::kUpdateAndReboot, true,
                     {{"apply", Phase::kFinalize},
                      {"try", Phase::kFinalize},
                      {"leave", Phase::kLeave},
                      {"commit", Phase::kCommit}});
  plan.steps[1].kind = StepKind::kTryKernelOptions;
  plan.target = Volume::kA;
  return plan;
}

Plan NoPlan() { return PlanOf(ServicingKind::kNone, false, {}); }

HostConfiguration SomeConfiguration(int number) {
  HostConfiguration configuration;
  configuration.management.datastore_path = absl::StrCat("/var/lib/trident/", number, ".sqlite");
  return configuration;
}

Follower::Follower(JobManager& jobs, std::optional<uint64_t> after) {
  auto subscription = jobs.Subscribe(after, "", [this] {
    {
      const std::lock_guard lock(mutex_);
      awake_ = true;
    }
    woken_.notify_all();
  });
  REQUIRE_OK(subscription);
  subscription_ = *std::move(subscription);
}

Event Follower::Until(const std::function<bool(const Event&)>& fits) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto next = subscription_->Next();
    REQUIRE_OK(next);
    if (next->has_value()) {
      if (fits(**next)) return **std::move(next);
      continue;
    }
    std::unique_lock lock(mutex_);
    REQUIRE(woken_.wait_until(lock, deadline, [this] { return awake_; }));
    awake_ = false;
  }
}

Event Follower::UntilState(JobState state) {
  return Until([state](const Event& event) {
    return event.transition && event.job.has_value() && event.job->state == state;
  });
}

std::vector<Event> Follower::Drain() {
  std::vector<Event> events;
  while (true) {
    auto next = subscription_->Next();
    REQUIRE_OK(next);
    if (!next->has_value()) return events;
    events.push_back(**std::move(next));
  }
}

JobBench::JobBench() {
  // The jobs' log would bury what a failing test says.
  static std::once_flag quiet;
  std::call_once(quiet, [] { SetUpLogging(LogLevel::kOff); });
}

void JobBench::Start() {
  auto opened = Datastore::Open(folder / "store", migrations, OpenMode::kReadWrite, store_options);
  REQUIRE_OK(opened);
  store = *std::move(opened);
  jobs = MakeJobManager(*store, servicer, clock, options);
  REQUIRE_OK(jobs->Start());
}

void JobBench::Stop() {
  if (jobs != nullptr) jobs->Stop();
  jobs.reset();
  store.reset();
}

absl::StatusOr<Submitted> JobBench::TrySubmit(int configuration, AllowedOperations operations,
                                              bool force, const std::string& plan_digest) {
  Submission submission;
  submission.configuration = SomeConfiguration(configuration);
  submission.operations = operations;
  submission.force = force;
  submission.plan_digest = plan_digest;
  return jobs->Submit(submission);
}

std::string JobBench::Submit(int configuration, AllowedOperations operations, bool force) {
  const auto submitted = TrySubmit(configuration, operations, force);
  REQUIRE_OK(submitted);
  REQUIRE(submitted->job_id.has_value());
  return *submitted->job_id;
}

JobSummary JobBench::RunToEnd(const std::string& job_id) {
  uint64_t place = 0;
  while (true) {
    bool reboot = false;
    {
      Follower follower(*jobs, place);
      const Event event = follower.Until([&](const Event& told) {
        if (!told.job.has_value() || told.job->id != job_id) return false;
        if (told.transition && told.job->state == JobState::kRebooting) reboot = true;
        return reboot || IsFinal(told.job->state);
      });
      place = event.sequence;
    }
    if (!reboot) {
      const auto job = jobs->Find(job_id);
      REQUIRE_OK(job);
      return *job;
    }
    // Once it has left or found that it cannot; a follower of the next state sees which.
    servicer.WaitForCall("leave");
    if (jobs->Find(job_id)->state == JobState::kRebooting) Reboot();
  }
}

std::vector<Event> JobBench::Journal() {
  Follower follower(*jobs, 0);
  std::vector<Event> events;
  for (Event& event : follower.Drain()) {
    if (event.sequence == 0) continue;
    REQUIRE(event.sequence == events.size() + 1);
    events.push_back(std::move(event));
  }
  return events;
}

std::string JobBench::Chain() {
  std::string chain;
  for (const Event& event : Journal()) {
    if (!event.transition) continue;
    absl::StrAppend(&chain, chain.empty() ? "" : " ", std::string(JobStateName(event.job->state)));
  }
  return chain;
}

}  // namespace trident::test
