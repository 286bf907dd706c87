#include "agent/jobs/job_manager.h"

#include <array>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/datastore/datastore.h"
#include "agent/datastore/uuid.h"
#include "agent/host/clock.h"
#include "agent/jobs/job_codec.h"
#include "agent/jobs/job_runner.h"
#include "agent/jobs/journal.h"
#include "agent/jobs/ledger.h"
#include "agent/jobs/store_ranges.h"
#include "common/base/error.h"
#include "common/base/logging.h"
#include "common/config/document.h"

namespace trident {
namespace {

absl::Status Precondition(const char* subkind, std::string message, std::string remedy) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", subkind,
                   std::move(message), std::move(remedy));
}

std::string Describe(const Job& job) {
  return absl::StrCat("Job ", job.id, " is ", std::string(JobStateName(job.state)));
}

absl::Status PlanChanged() {
  return Precondition("plan-changed",
                      "The plan that was named by its digest is not what would be done now: the "
                      "host, the document or the images have changed since.",
                      "Look at the new plan and submit its digest.");
}

class StoreJobManager final : public JobManager {
 public:
  StoreJobManager(Datastore& store, Servicer& servicer, Clock& clock, JobManagerOptions options)
      : store_(store),
        servicer_(servicer),
        options_(options),
        journal_(store, clock),
        ledger_(store, clock, journal_),
        runner_(ledger_, journal_, store, servicer, clock,
                {options.drain_limit, options.watch_interval}) {}

  ~StoreJobManager() override { runner_.Stop(); }

  absl::Status Start() override {
    TRIDENT_RETURN_IF_ERROR(journal_.Load());
    TRIDENT_RETURN_IF_ERROR(ledger_.Load());
    const auto recorded = runner_.ReadRecorded();
    absl::Status refreshed = recorded.status();
    HostStatus status = ledger_.Status();
    if (refreshed.ok()) refreshed = servicer_.Refresh(*recorded, status);
    if (!refreshed.ok()) {
      // Planning reports the same and refuses; a look at the status must work in any case.
      Log(LogLevel::kWarn, absl::StrCat("observe the host: ", std::string(refreshed.message())));
    } else if (!(status == ledger_.Status())) {
      TRIDENT_RETURN_IF_ERROR(ledger_.SaveStatus(status));
    }
    runner_.Start();
    return absl::OkStatus();
  }

  void Stop() override { runner_.Stop(); }

  absl::StatusOr<Submitted> Submit(const Submission& submission) override {
    const AllowedOperations operations =
        Intersect(submission.operations, options_.allowed_operations);
    const std::string digest = ConfigurationDigest(submission.configuration);
    if (!operations.update) {
      if (operations.transition) {
        const std::lock_guard lock(submit_mutex_);
        const auto active = ledger_.Active();
        if (active.has_value() && active->configuration_digest == digest &&
            active->state == JobState::kStaged) {
          return Rejoin(*active, operations, submission.plan_digest);
        }
      }
      return OnlyLook(submission);
    }
    const std::lock_guard lock(submit_mutex_);
    TRIDENT_RETURN_IF_ERROR(ledger_.Foreign());
    TRIDENT_RETURN_IF_ERROR(ledger_.Halted());
    if (const auto active = ledger_.Active()) {
      if (active->configuration_digest == digest) {
        return Rejoin(*active, operations, submission.plan_digest);
      }
      return Precondition(
          "job-active",
          absl::StrCat(Describe(*active), " with another configuration; a host has one job."),
          "Wait for its end, or cancel it first.");
    }
    if (!submission.force) TRIDENT_RETURN_IF_ERROR(CheckNotRolledBack(digest));
    Job job;
    TRIDENT_ASSIGN_OR_RETURN(job.id, MakeUuid());
    job.configuration = WriteHostConfiguration(submission.configuration);
    job.configuration_digest = digest;
    job.operations = operations;
    job.force = submission.force;
    job.own_range = store_.range();
    if (!submission.plan_digest.empty()) {
      TRIDENT_ASSIGN_OR_RETURN(Plan plan, PlanOnly(submission.configuration, submission.force));
      if (plan.digest != submission.plan_digest) return PlanChanged();
      job.plan = std::move(plan);
    }
    Submitted submitted;
    submitted.job_id = job.id;
    submitted.after_sequence = journal_.newest();
    if (const absl::Status begun = ledger_.Begin(std::move(job)); !begun.ok()) {
      return Annotate(begun, "Accept the job");
    }
    runner_.Poke();
    return submitted;
  }

  absl::StatusOr<Plan> PlanOnly(const HostConfiguration& configuration, bool force) override {
    const Cancellation cancellation;
    return runner_.MakePlan(configuration, force, cancellation);
  }

  absl::StatusOr<JobSummary> Finalize(const std::string& job_id) override {
    const std::lock_guard lock(submit_mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const Job job, Resolve(job_id));
    if (job.state != JobState::kStaged) {
      return Precondition("job-state",
                          absl::StrCat(Describe(job), "; only a staged job can be finalized."),
                          "Wait until it is staged.");
    }
    if (!options_.allowed_operations.transition) {
      return Precondition("not-allowed",
                          "The agent's configuration does not allow the operation transition.",
                          "Add transition to allowedOperations of the agent's configuration.");
    }
    TRIDENT_RETURN_IF_ERROR(CheckStoreRanges(job, store_));
    return Widen(job, {.update = job.operations.update, .transition = true});
  }

  absl::StatusOr<JobSummary> Commit(const std::string& job_id) override {
    TRIDENT_ASSIGN_OR_RETURN(const Job job, Resolve(job_id));
    if (job.state != JobState::kVerifying) {
      return Precondition(
          "job-state",
          absl::StrCat(Describe(job), "; it is committed to after the boot, while verifying."), "");
    }
    // The checks are under way and commit by themselves; an unhealthy system is not accepted. What
    // only a person can know is told to the step that waits for it.
    runner_.Confirm(job.id);
    return Summarize(job);
  }

  absl::StatusOr<JobSummary> RollBack(const std::string& job_id) override {
    TRIDENT_ASSIGN_OR_RETURN(const Job job, Resolve(job_id));
    if (!NextState(job, JobEvent::kUndo).ok()) {
      const bool install = job.plan.has_value() && job.plan->kind == ServicingKind::kCleanInstall;
      return Precondition(
          "job-state",
          absl::StrCat(Describe(job), install ? "; a clean install has nothing to go back to."
                                              : "; it can be rolled back while it is finalizing "
                                                "or verifying."),
          NextState(job, JobEvent::kCancel).ok() ? "Cancel it instead." : "");
    }
    return Interrupting(job, JobEvent::kUndo, "rolled back by the operator");
  }

  absl::StatusOr<JobSummary> Cancel(const std::string& job_id) override {
    TRIDENT_ASSIGN_OR_RETURN(const Job job, Resolve(job_id));
    if (!NextState(job, JobEvent::kCancel).ok()) {
      return Precondition(
          "job-state",
          absl::StrCat(Describe(job), "; a job can be cancelled until it is being finalized."),
          "Wait for its end.");
    }
    return Interrupting(job, JobEvent::kCancel, "cancelled by the operator");
  }

  absl::StatusOr<std::vector<JobSummary>> List(size_t limit) override {
    TRIDENT_ASSIGN_OR_RETURN(const auto records, store_.Jobs(limit));
    std::vector<JobSummary> summaries;
    summaries.reserve(records.size());
    for (const JobRecord& record : records) summaries.push_back(SummarizeRecord(record));
    return summaries;
  }

  absl::StatusOr<JobSummary> Find(const std::string& job_id) override {
    TRIDENT_ASSIGN_OR_RETURN(const JobRecord record, FindRecord(job_id));
    return SummarizeRecord(record);
  }

  absl::StatusOr<AllowedOperations> OperationsOf(const std::string& job_id) override {
    TRIDENT_ASSIGN_OR_RETURN(const JobRecord record, FindRecord(job_id));
    return AllowedOperations{.update = record.allow_update, .transition = record.allow_transition};
  }

  absl::StatusOr<RecordedConfiguration> Configuration() override {
    TRIDENT_ASSIGN_OR_RETURN(const auto record, store_.Configuration());
    if (!record.has_value()) return RecordedConfiguration{};
    return RecordedConfiguration{.yaml = record->yaml, .digest = record->digest};
  }

  Snapshot Now() override { return ledger_.Now(); }

  std::chrono::nanoseconds WorkerSilence() override { return runner_.Silence(); }

  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(std::optional<uint64_t> after_sequence,
                                                          const std::string& journal_id,
                                                          std::function<void()> wake) override {
    return journal_.Subscribe(after_sequence, journal_id, std::move(wake));
  }

 private:
  absl::StatusOr<Submitted> OnlyLook(const Submission& submission) {
    Submitted submitted;
    submitted.after_sequence = journal_.newest();
    TRIDENT_ASSIGN_OR_RETURN(submitted.plan, PlanOnly(submission.configuration, submission.force));
    if (!submission.plan_digest.empty() && submitted.plan.digest != submission.plan_digest) {
      return PlanChanged();
    }
    return submitted;
  }

  // `submit_mutex_` is held.
  absl::StatusOr<Submitted> Rejoin(const Job& active, AllowedOperations operations,
                                   const std::string& plan_digest) {
    TRIDENT_RETURN_IF_ERROR(ledger_.Halted());
    if (!plan_digest.empty() && active.plan.has_value() && active.plan->digest != plan_digest) {
      return PlanChanged();
    }
    Submitted submitted;
    submitted.job_id = active.id;
    submitted.rejoined = true;
    submitted.after_sequence = journal_.newest();
    TRIDENT_RETURN_IF_ERROR(Widen(active, operations).status());
    return submitted;
  }

  // Adds operations; never takes any away.
  absl::StatusOr<JobSummary> Widen(Job job, AllowedOperations operations) {
    while (true) {
      const AllowedOperations wider{
          .update = job.operations.update || operations.update,
          .transition = job.operations.transition || operations.transition};
      if (wider == job.operations) break;
      auto edited = ledger_.Edit(job, Editing([wider](Job& edit) { edit.operations = wider; }));
      if (edited.ok()) {
        job = *std::move(edited);
        break;
      }
      if (!HasMovedOn(edited.status())) return edited.status();
      // The job went on meanwhile. When it has ended, then its end is the answer.
      const auto active = ledger_.Active();
      if (!active.has_value() || active->id != job.id) break;
      job = *active;
    }
    runner_.Poke();
    return Summarize(job);
  }

  absl::StatusOr<JobSummary> Interrupting(const Job& job, JobEvent event, const char* reason) {
    auto changed =
        ledger_.Transition(job, event, Editing([reason](Job& edited) { edited.reason = reason; }));
    if (HasMovedOn(changed.status())) {
      return Precondition("job-state",
                          absl::StrCat("Job ", job.id, " has just gone on to another state."),
                          "Look at its state and try again.");
    }
    if (!changed.ok()) return changed.status();
    runner_.Interrupt();
    return Summarize(*changed);
  }

  absl::StatusOr<JobRecord> FindRecord(const std::string& job_id) {
    TRIDENT_ASSIGN_OR_RETURN(auto record, store_.FindJob(job_id));
    if (!record.has_value()) {
      return MakeError(absl::StatusCode::kNotFound, "precondition", "no-such-job",
                       absl::StrCat("There is no job ", job_id, "."), "List the jobs.");
    }
    return *std::move(record);
  }

  // The active job, if `job_id` is it or is empty.
  absl::StatusOr<Job> Resolve(const std::string& job_id) {
    TRIDENT_RETURN_IF_ERROR(ledger_.Foreign());
    auto active = ledger_.Active();
    if (active.has_value() && (job_id.empty() || active->id == job_id)) return *std::move(active);
    if (job_id.empty()) {
      return MakeError(absl::StatusCode::kNotFound, "precondition", "no-active-job",
                       "No job is active.", "");
    }
    TRIDENT_ASSIGN_OR_RETURN(const JobRecord record, FindRecord(job_id));
    return Precondition("job-state",
                        absl::StrCat("Job ", job_id, " is at its end: ", record.state, "."), "");
  }

  absl::Status CheckNotRolledBack(const std::string& digest) {
    // Attempts that ended before the new system ran say nothing about it.
    const std::array<std::string, 2> telling = {std::string(JobStateName(JobState::kRolledBack)),
                                                std::string(JobStateName(JobState::kSucceeded))};
    TRIDENT_ASSIGN_OR_RETURN(const auto job, store_.NewestJob(digest, telling));
    if (!job.has_value() || job->state != telling[0]) return absl::OkStatus();
    return Precondition("rolled-back-before",
                        absl::StrCat("This configuration was tried by job ", job->id,
                                     " and rolled back: ", job->reason),
                        "Mend the cause and submit it with --force, or submit another "
                        "configuration.");
  }

  Datastore& store_;
  Servicer& servicer_;
  const JobManagerOptions options_;
  Journal journal_;
  Ledger ledger_;
  JobRunner runner_;
  // Held from deciding about a job to having begun or changed it.
  std::mutex submit_mutex_;
};

}  // namespace

std::unique_ptr<JobManager> MakeJobManager(Datastore& store, Servicer& servicer, Clock& clock,
                                           JobManagerOptions options) {
  return std::make_unique<StoreJobManager>(store, servicer, clock, options);
}

}  // namespace trident
