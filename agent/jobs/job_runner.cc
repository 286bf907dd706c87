#include "agent/jobs/job_runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/jobs/boot_errors.h"
#include "agent/jobs/host_watch.h"
#include "agent/jobs/job_reporter.h"
#include "agent/jobs/progress.h"
#include "agent/jobs/store_ranges.h"
#include "common/base/error.h"
#include "common/base/logging.h"
#include "common/config/document.h"

namespace trident {
namespace {

// A host that comes up with the target again and again is not rebooted forever.
constexpr int kRollBackReboots = 2;

// Index of the first step of `kind`, or the number of steps.
size_t IndexOf(const Plan& plan, StepKind kind) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [kind](const Step& step) { return step.kind == kind; });
  return static_cast<size_t>(found - plan.steps.begin());
}

// Where the file system that the step changes came from: the write of its image. The step itself
// when it changes none, or none of an image.
size_t OriginOf(const Plan& plan, size_t step) {
  if (step >= plan.steps.size()) return step;
  const Step& changing = plan.steps[step];
  if (changing.kind != StepKind::kSetIdentity && changing.kind != StepKind::kGrowFilesystem) {
    return step;
  }
  for (size_t i = 0; i < step; ++i) {
    if (plan.steps[i].kind == StepKind::kWriteImage && plan.steps[i].subject == changing.subject) {
      return i;
    }
  }
  return step;
}

// Where staging goes on. A new root that was mounted is mounted again, because a stop of the
// machine, and perhaps one of the agent, has undone it. An image whose file system was being
// changed is written again: what a tool has changed by half may be past repair.
size_t ResumePlace(const Plan& plan, size_t steps_done) {
  const size_t mounted = IndexOf(plan, StepKind::kMountNewRoot);
  const size_t unmounted = IndexOf(plan, StepKind::kUnmountNewRoot);
  if (mounted < steps_done && steps_done <= unmounted) return mounted;
  return OriginOf(plan, steps_done);
}

// Index of the first step of the phase or of a later one.
size_t BeginOf(const Plan& plan, Phase phase) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [phase](const Step& step) { return step.phase >= phase; });
  return static_cast<size_t>(found - plan.steps.begin());
}

// How long a step may say nothing because the document lets its scripts be silent for so long.
std::chrono::seconds AllowedSilence(const HostConfiguration& configuration, const Step& step) {
  if (step.kind != StepKind::kRunScript) return {};
  uint32_t seconds = 0;
  const Scripts& all = configuration.scripts;
  for (const auto* scripts : {&all.pre_servicing, &all.post_provision, &all.post_configure}) {
    for (const Script& script : *scripts) seconds = std::max(seconds, script.timeout_seconds);
  }
  return std::chrono::seconds(seconds);
}

std::function<void(Job&)> Reason(std::string reason) {
  return [reason = std::move(reason)](Job& job) { job.reason = reason; };
}

std::function<void(Job&)> ErrorEdit(const absl::Status& error) {
  return [error](Job& job) {
    job.error = GetErrorDetail(error);
    job.reason = std::string{error.message()};
  };
}

}  // namespace

struct JobRunner::PhaseResult {
  enum class Kind {
    kDone,
    kFailed,
    kInterrupted,  // look at the ledger again
  } kind = Kind::kDone;
  absl::Status error;
  JobChange change;  // the failed step and what it left in the status
};

JobRunner::JobRunner(Ledger& ledger, Journal& journal, Datastore& store, Servicer& servicer,
                     Clock& clock, JobRunnerTimes times)
    : ledger_(ledger),
      journal_(journal),
      store_(store),
      servicer_(servicer),
      clock_(clock),
      times_(times) {}

JobRunner::~JobRunner() { Stop(); }

void JobRunner::Start() {
  if (const auto job = ledger_.Active()) dirty_ = job->id;
  Poke();
  thread_ = std::thread([this] { Loop(); });
}

void JobRunner::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (cancellation_ != nullptr) cancellation_->Cancel();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void JobRunner::Poke() {
  {
    const std::lock_guard lock(mutex_);
    poked_ = true;
  }
  changed_.notify_all();
}

void JobRunner::Interrupt() {
  {
    const std::lock_guard lock(mutex_);
    poked_ = true;
    if (cancellation_ != nullptr) cancellation_->Cancel();
  }
  changed_.notify_all();
}

void JobRunner::Confirm(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  confirmed_ = job_id;
}

bool JobRunner::IsConfirmed(const std::string& job_id) const {
  const std::lock_guard lock(mutex_);
  return confirmed_ == job_id;
}

std::chrono::nanoseconds JobRunner::Silence() const { return pulse_.Silence(clock_.BootNanos()); }

bool JobRunner::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

absl::StatusOr<Recorded> JobRunner::ReadRecorded() {
  Recorded recorded;
  recorded.status = ledger_.Status();
  TRIDENT_ASSIGN_OR_RETURN(const auto record, store_.Configuration());
  if (record.has_value()) {
    auto configuration = ParseHostConfiguration(record->yaml);
    if (!configuration.ok()) {
      return Annotate(configuration.status(),
                      "Read the configuration that the host was last brought to");
    }
    recorded.configuration = *std::move(configuration);
  }
  return recorded;
}

absl::StatusOr<Plan> JobRunner::MakePlan(const HostConfiguration& configuration, bool force,
                                         const Cancellation& cancellation) {
  const std::lock_guard lock(plan_mutex_);
  // Within the lock: a plan for a look must see that another one has just begun an installation.
  TRIDENT_ASSIGN_OR_RETURN(const Recorded recorded, ReadRecorded());
  return servicer_.MakePlan(configuration, recorded, force, cancellation);
}

void JobRunner::Loop() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const bool called =
          changed_.wait_for(lock, times_.watch_interval, [this] { return stopping_ || poked_; });
      if (stopping_) return;
      poked_ = false;
      if (!called) {
        lock.unlock();
        // After the way out nothing is told any more: the store has been carried along.
        if (!left_) LookAtHost(servicer_, ledger_);
        continue;
      }
    }
    pulse_.Beat(clock_.BootNanos());
    Work();
    pulse_.Rest();
  }
}

void JobRunner::Work() {
  while (true) {
    const auto cancellation = std::make_shared<Cancellation>();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      // Before the ledger is read: whoever changes the ledger after that, then interrupts, meets
      // this one.
      cancellation_ = cancellation;
    }
    if (!ledger_.Halted().ok()) return;
    const auto job = ledger_.Active();
    if (!dirty_.empty() && (!job.has_value() || job->id != dirty_)) CleanUp();
    if (!job.has_value()) {
      resumed_ = false;
      return;
    }
    pulse_.Beat(clock_.BootNanos());
    if (Advance(*job, *cancellation) == Next::kWait) return;
  }
}

void JobRunner::CleanUp() {
  dirty_.clear();
  const auto recorded = ReadRecorded();
  const absl::Status status =
      recorded.ok() ? servicer_.CleanUp(*recorded) : absl::Status(recorded.status());
  if (!status.ok()) {
    Log(LogLevel::kWarn, absl::StrCat("clean up: ", std::string{status.message()}));
  }
}

JobRunner::Next JobRunner::Refused(const absl::Status& error) {
  if (!HasMovedOn(error)) ledger_.Halt(error);
  return Next::kLookAgain;
}

JobRunner::Next JobRunner::Transition(const Job& job, JobEvent event, JobChange change) {
  const auto changed = ledger_.Transition(job, event, std::move(change));
  return changed.ok() ? Next::kLookAgain : Refused(changed.status());
}

JobRunner::Next JobRunner::Fail(const Job& job, const absl::Status& error, JobChange change) {
  // An error because the agent is being stopped is none: the job goes on after the next start.
  if (stopping()) return Next::kLookAgain;
  const auto next = NextState(job, JobEvent::kError);
  if (!dirty_.empty() && next.ok() && *next == JobState::kFailed) CleanUp();
  change.edit = ErrorEdit(error);
  return Transition(job, JobEvent::kError, std::move(change));
}

JobRunner::Next JobRunner::Succeed(const Job& job, JobEvent event, const std::string& reason,
                                   bool record) {
  HostStatus status = ledger_.Status();
  JobChange change;
  change.edit = [&reason](Job& edited) {
    edited.reason = reason;
    edited.error.reset();
    if (edited.plan.has_value()) edited.steps_done = edited.plan->steps.size();
  };
  if (record) {
    change.configuration = ConfigurationRecord{.yaml = job.configuration,
                                               .digest = job.configuration_digest,
                                               .job_id = job.id,
                                               .recorded_micros = clock_.WallMicros()};
    const auto recorded = ReadRecorded();
    absl::Status refreshed = recorded.status();
    if (refreshed.ok()) refreshed = servicer_.Refresh(*recorded, status);
    if (refreshed.ok()) {
      change.status = std::move(status);
    } else {
      Log(LogLevel::kWarn, absl::StrCat("refresh: ", std::string{refreshed.message()}));
    }
  }
  dirty_.clear();
  return Transition(job, event, std::move(change));
}

JobRunner::Next JobRunner::Advance(const Job& job, const Cancellation& cancellation) {
  const bool resumed = std::exchange(resumed_, false);
  if (job.state != JobState::kQueued && job.state != JobState::kPlanning && !job.plan.has_value()) {
    ledger_.Halt(MakeError(
        absl::StatusCode::kDataLoss, "datastore", "corrupt",
        absl::StrCat("Job ", job.id, " is in state ", std::string(JobStateName(job.state)),
                     " but the store holds no plan for it.")));
    return Next::kWait;
  }
  switch (job.state) {
    case JobState::kQueued:
      return Transition(job, JobEvent::kPlan, {});
    case JobState::kPlanning:
      return MakeJobPlan(job, cancellation);
    case JobState::kStaging:
      if (resumed && job.plan.has_value()) {
        return Transition(job, JobEvent::kResume, Editing([](Job& edited) {
                            edited.steps_done = ResumePlace(*edited.plan, edited.steps_done);
                            edited.reason = "goes on after the agent was stopped";
                          }));
      }
      return Stage(job, cancellation);
    case JobState::kStaged:
      if (!job.operations.transition) return Next::kWait;
      return Transition(job, JobEvent::kFinalize, Editing(Reason("")));
    case JobState::kFinalizing:
      return Finalize(job, cancellation);
    case JobState::kRebooting:
      return Leave(job, cancellation);
    case JobState::kVerifying:
      return Verify(job, cancellation);
    case JobState::kRollingBack:
      return RollBack(job, cancellation);
    case JobState::kSucceeded:
    case JobState::kFailed:
    case JobState::kCancelled:
    case JobState::kRolledBack:
      return Next::kWait;
  }
  return Next::kWait;
}

JobRunner::Next JobRunner::MakeJobPlan(const Job& job, const Cancellation& cancellation) {
  const auto configuration = ParseHostConfiguration(job.configuration);
  if (!configuration.ok()) return Fail(job, configuration.status());
  auto plan = MakePlan(*configuration, job.force, cancellation);
  if (!plan.ok()) return Fail(job, plan.status());
  if (job.plan.has_value() && job.plan->digest != plan->digest) {
    return Fail(job,
                MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "plan-changed",
                          "The host has changed since the plan was made: the same "
                          "configuration now needs another plan.",
                          "Look at the new plan and submit its digest."));
  }
  if (plan->kind == ServicingKind::kNone || plan->steps.empty()) {
    const auto recorded = store_.Configuration();
    if (!recorded.ok()) return Refused(recorded.status());
    return Succeed(job, JobEvent::kNothingToDo, "nothing to do: the host is as desired",
                   recorded->has_value());
  }
  const StoreRange own = store_.range();
  return Transition(job, JobEvent::kPlanned, Editing([&plan, own](Job& edited) {
                      edited.plan = *std::move(plan);
                      edited.steps_done = 0;
                      edited.own_range = own;
                      edited.reason.clear();
                    }));
}

JobRunner::Next JobRunner::Stage(const Job& seen, const Cancellation& cancellation) {
  Job job = seen;
  const auto configuration = ParseHostConfiguration(job.configuration);
  if (!configuration.ok()) return Fail(job, configuration.status());
  dirty_ = job.id;
  PhaseResult result = RunPhase(job, *configuration, Phase::kStage, cancellation);
  if (result.kind == PhaseResult::Kind::kInterrupted) return Next::kLookAgain;
  if (result.kind == PhaseResult::Kind::kFailed) {
    return Fail(job, result.error, std::move(result.change));
  }
  if (const absl::Status met = CheckStoreRanges(job, store_); !met.ok()) return Fail(job, met);
  return Transition(job, JobEvent::kStaged, Editing([](Job& edited) {
                      edited.reason = edited.operations.transition
                                          ? ""
                                          : "waits, because transition is not allowed";
                    }));
}

JobRunner::Next JobRunner::Finalize(const Job& seen, const Cancellation& cancellation) {
  Job job = seen;
  const auto configuration = ParseHostConfiguration(job.configuration);
  if (!configuration.ok()) return Fail(job, configuration.status());
  const Plan& plan = *job.plan;
  // Not where the system that runs is the one that is changed: it is what comes up in any case.
  if (plan.reboots && plan.target.has_value() && plan.kind != ServicingKind::kUpdateAndReboot &&
      job.boot_id != clock_.BootId()) {
    // Power was cut while the firmware was pointed at the target. If the host came up with it, then
    // that was the reboot.
    const auto finding = servicer_.InspectBoot(*configuration, plan, ledger_.Status());
    if (!finding.ok()) return Fail(job, finding.status());
    if (finding->target_booted) {
      return Transition(job, JobEvent::kLeave,
                        Editing([boot = job.boot_id](Job& edited) { edited.boot_id = boot; }));
    }
  }
  if (const absl::Status met = CheckStoreRanges(job, store_); !met.ok()) return Fail(job, met);
  // A start uses up what was made for the next one.
  if (const size_t tried = IndexOf(plan, StepKind::kTryKernelOptions);
      tried < job.steps_done && job.boot_id != clock_.BootId()) {
    auto again = ledger_.Edit(job, Editing([tried](Job& edited) { edited.steps_done = tried; }));
    if (!again.ok()) return Refused(again.status());
    job = *std::move(again);
  }
  PhaseResult result = RunPhase(job, *configuration, Phase::kFinalize, cancellation);
  if (result.kind == PhaseResult::Kind::kInterrupted) return Next::kLookAgain;
  if (result.kind == PhaseResult::Kind::kFailed) {
    return Fail(job, result.error, std::move(result.change));
  }
  if (!plan.reboots) return Transition(job, JobEvent::kApplied, {});
  JobChange change;
  // Nothing is journaled after the transition, so the way out begins with it.
  if (const size_t leave = BeginOf(plan, Phase::kLeave);
      leave < plan.steps.size() && plan.steps[leave].phase == Phase::kLeave) {
    change.events.push_back(StepTold(plan, leave, StepEvent::State::kStarted));
  }
  if (plan.unattended_target) {
    change.edit =
        Reason("the new system runs no agent: the job ends with the reboot, not verified");
  }
  return Transition(job, JobEvent::kLeave, std::move(change));
}

JobRunner::Next JobRunner::Leave(const Job& job, const Cancellation& cancellation) {
  const Plan& plan = *job.plan;
  constexpr char kUnattended[] =
      "the host was rebooted into a system without an agent; the boot was not verified";
  if (job.boot_id != clock_.BootId()) {
    if (plan.unattended_target) {
      return Succeed(job, JobEvent::kUnattended, kUnattended, true);
    }
    return Transition(job, JobEvent::kBooted, Editing([](Job& edited) {
                        edited.steps_done =
                            std::max(edited.steps_done, BeginOf(*edited.plan, Phase::kCommit));
                      }));
  }
  if (left_) return Next::kWait;
  journal_.WaitUntilRead(times_.drain_limit, cancellation);
  const auto configuration = ParseHostConfiguration(job.configuration);
  absl::Status status = configuration.status();
  if (status.ok() && !cancellation.cancelled()) {
    const size_t leave = BeginOf(plan, Phase::kLeave);
    if (leave < plan.steps.size() && plan.steps[leave].phase == Phase::kLeave) {
      HostStatus host_status = ledger_.Status();
      JobReporter reporter(ledger_, journal_, clock_, pulse_, job, leave, nullptr);
      status = RunStep(job, *configuration, leave, host_status, reporter, /*leaving=*/true,
                       cancellation);
    } else {
      status = servicer_.Reboot();
    }
  }
  if (cancellation.cancelled()) return Next::kLookAgain;
  if (!status.ok()) {
    return Transition(job, JobEvent::kStuck,
                      Editing(ErrorEdit(Annotate(status, "Leave for the new system"))));
  }
  left_ = true;
  if (plan.unattended_target) return Succeed(job, JobEvent::kUnattended, kUnattended, true);
  return Next::kWait;
}

JobRunner::Next JobRunner::Verify(const Job& seen, const Cancellation& cancellation) {
  Job job = seen;
  const auto configuration = ParseHostConfiguration(job.configuration);
  if (!configuration.ok()) return Fail(job, configuration.status());
  const Plan& plan = *job.plan;
  if (plan.reboots) {
    const auto finding = servicer_.InspectBoot(*configuration, plan, ledger_.Status());
    if (!finding.ok()) {
      return Fail(job, Annotate(finding.status(), "Find out which volume the host came up on"));
    }
    if (!finding->target_booted) return Fail(job, TargetNotBooted(job, *finding));
    if (finding->lacks_options) return Fail(job, OptionsNotBooted(job));
  }
  const absl::Status health =
      servicer_.CheckHealth(*configuration, plan, ledger_.Status(), cancellation);
  if (!health.ok()) return Fail(job, health);
  PhaseResult result = RunPhase(job, *configuration, Phase::kCommit, cancellation);
  if (result.kind == PhaseResult::Kind::kInterrupted) return Next::kLookAgain;
  if (result.kind == PhaseResult::Kind::kFailed) {
    return Fail(job, result.error, std::move(result.change));
  }
  const Next next = Succeed(job, JobEvent::kCommit, "", true);
  if (ledger_.Active().has_value() || !ledger_.Halted().ok()) return next;
  // The old system is given up; what it could not have read may be written now.
  if (const absl::Status migrated = store_.RunDeferredMigrations(); !migrated.ok()) {
    Log(LogLevel::kWarn, std::string(Annotate(migrated, "Migrate the store").message()));
  }
  return next;
}

JobRunner::Next JobRunner::RollBack(const Job& job, const Cancellation& cancellation) {
  const auto configuration = ParseHostConfiguration(job.configuration);
  if (!configuration.ok()) return Fail(job, configuration.status());
  const Plan& plan = *job.plan;
  if (left_) return Next::kWait;
  bool needs_reboot = false;
  const absl::Status status =
      servicer_.RollBack(*configuration, plan, ledger_.Status(), needs_reboot);
  // What went wrong first stays the job's error.
  const auto fail = [&](const absl::Status& error) {
    ErrorDetail detail = GetErrorDetail(Annotate(error, "Go back to the previous system"));
    if (job.error.has_value()) detail.causes.push_back(job.error->message);
    return Fail(job, MakeError(error.code(), std::move(detail)));
  };
  if (!status.ok()) return fail(status);
  // The agent was stopped on its way out: what is undone does not tell any more what still runs.
  const bool is_leaving = job.roll_back_reboots > 0 && job.boot_id == clock_.BootId();
  if (!needs_reboot && !is_leaving) {
    CleanUp();
    return Transition(job, JobEvent::kRestored, {});
  }
  if (!is_leaving && job.roll_back_reboots >= kRollBackReboots) {
    return fail(MakeError(absl::StatusCode::kFailedPrecondition, "boot", "still-on-target",
                          absl::StrCat("the host still comes up on the new system after ",
                                       job.roll_back_reboots, " reboots"),
                          "Choose the previous system in the firmware's boot menu."));
  }
  if (!is_leaving) {
    const auto counted =
        ledger_.Edit(job, Editing([](Job& edited) { ++edited.roll_back_reboots; }));
    if (!counted.ok()) return Refused(counted.status());
  }
  journal_.WaitUntilRead(times_.drain_limit, cancellation);
  if (stopping()) return Next::kLookAgain;
  const absl::Status rebooted = servicer_.Reboot();
  if (!rebooted.ok()) return fail(rebooted);
  left_ = true;
  return Next::kWait;
}

JobRunner::PhaseResult JobRunner::RunPhase(Job& job, const HostConfiguration& configuration,
                                           Phase phase, const Cancellation& cancellation) {
  const Plan plan = *job.plan;
  ProgressMeter meter(plan);
  const auto interrupted = [this](const absl::Status& error) {
    Refused(error);
    PhaseResult result;
    result.kind = PhaseResult::Kind::kInterrupted;
    return result;
  };
  for (size_t index = job.steps_done; index < plan.steps.size(); ++index) {
    if (plan.steps[index].phase > phase) break;
    if (plan.steps[index].phase < phase) continue;
    if (cancellation.cancelled())
      return {.kind = PhaseResult::Kind::kInterrupted, .error = {}, .change = {}};
    auto started = ledger_.Edit(job, Telling(StepTold(plan, index, StepEvent::State::kStarted)));
    if (!started.ok()) return interrupted(started.status());
    job = *std::move(started);

    meter.BeginStep(index, clock_.BootNanos());
    pulse_.Beat(clock_.BootNanos());
    HostStatus status = ledger_.Status();
    JobReporter reporter(ledger_, journal_, clock_, pulse_, job, index, &meter);
    const absl::Status outcome =
        RunStep(job, configuration, index, status, reporter, /*leaving=*/false, cancellation);
    if (!reporter.error().ok()) return interrupted(reporter.error());
    if (!outcome.ok()) {
      if (cancellation.cancelled()) {
        // The job was cancelled or the agent is being stopped; what the step has done stays true.
        const absl::Status saved = ledger_.SaveStatus(status);
        if (!saved.ok()) ledger_.Halt(saved);
        return {.kind = PhaseResult::Kind::kInterrupted, .error = {}, .change = {}};
      }
      PhaseResult result;
      result.kind = PhaseResult::Kind::kFailed;
      result.error = outcome;
      result.change.status = std::move(status);
      result.change.events.push_back(StepTold(plan, index, StepEvent::State::kFailed));
      return result;
    }
    auto done = ledger_.Edit(job, {.edit = [index](Job& edited) { edited.steps_done = index + 1; },
                                   .status = std::move(status),
                                   .events = {StepTold(plan, index, StepEvent::State::kDone)},
                                   .configuration = std::nullopt});
    if (!done.ok()) return interrupted(done.status());
    job = *std::move(done);
  }
  return {};
}

absl::Status JobRunner::RunStep(const Job& job, const HostConfiguration& configuration,
                                size_t index, HostStatus& status, StepReporter& reporter,
                                bool leaving, const Cancellation& cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(const Recorded recorded, ReadRecorded());
  const StepRun run{
      .job_id = job.id,
      .configuration = configuration,
      .plan = *job.plan,
      .step = job.plan->steps[index],
      .status = status,
      .reporter = reporter,
      .cancellation = cancellation,
      .save_status = [this, &status] { return ledger_.SaveStatus(status); },
      .copy_store = [this](const std::string& path) { return store_.BackupTo(path); },
      .move_store = [this](const std::string& path) { return store_.MoveTo(path); },
      .own_range = store_.range(),
      .record_target_range = [this, &job, leaving](StoreRange target) -> absl::Status {
        if (leaving) {
          return MakeError(absl::StatusCode::kInternal, "internal", "late-range",
                           "The target's agent was examined after the job had left.");
        }
        return ledger_.Edit(job, Editing([target](Job& edited) { edited.target_range = target; }))
            .status();
      },
      .confirmed = [this, &job] { return IsConfirmed(job.id); },
      .recorded = recorded.configuration ? &*recorded.configuration : nullptr,
  };
  pulse_.Allow(AllowedSilence(configuration, run.step));
  return servicer_.RunStep(run);
}

}  // namespace trident
