#include "agent/jobs/ledger.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/jobs/job_codec.h"
#include "common/base/error.h"
#include "common/base/logging.h"

namespace trident {
namespace {

constexpr char kMovedOn[] = "moved-on";

}  // namespace

bool HasMovedOn(const absl::Status& status) {
  return absl::IsAborted(status) && GetErrorDetail(status).subkind == kMovedOn;
}

absl::Status Ledger::Load() {
  TRIDENT_ASSIGN_OR_RETURN(const auto yaml, store_.HostStatusYaml());
  TRIDENT_ASSIGN_OR_RETURN(const auto jobs, store_.Jobs(1));
  HostStatus status;
  if (yaml.has_value()) {
    auto parsed = ParseHostStatus(*yaml);
    if (!parsed.ok()) return Annotate(parsed.status(), "Read the Host Status from the store");
    status = *std::move(parsed);
  }
  const std::lock_guard lock(state_mutex_);
  status_ = std::move(status);
  status_yaml_ = WriteHostStatus(status_);
  if (jobs.empty()) return absl::OkStatus();
  auto job = JobOfRecord(jobs.front());
  if (job.ok()) {
    newest_ = *std::move(job);
  } else {
    foreign_ = job.status();
    foreign_summary_ = SummarizeRecord(jobs.front());
    Log(LogLevel::kWarn, std::string(foreign_.message()));
  }
  return absl::OkStatus();
}

std::optional<Job> Ledger::Active() const {
  const std::lock_guard lock(state_mutex_);
  if (newest_.has_value() && !IsFinal(newest_->state)) return newest_;
  return std::nullopt;
}

HostStatus Ledger::Status() const {
  const std::lock_guard lock(state_mutex_);
  return status_;
}

Snapshot Ledger::Now() const {
  Snapshot snapshot;
  snapshot.journal_id = journal_.id();
  snapshot.newest_sequence = journal_.newest();
  const std::lock_guard lock(state_mutex_);
  snapshot.status_yaml = status_yaml_;
  if (newest_.has_value()) {
    snapshot.job = Summarize(*newest_);
    if (!halted_.ok()) snapshot.job->error = GetErrorDetail(halted_);
  } else {
    snapshot.job = foreign_summary_;
  }
  return snapshot;
}

absl::Status Ledger::Foreign() const {
  const std::lock_guard lock(state_mutex_);
  return foreign_;
}

HostStatus Ledger::Compose(HostStatus status, const std::optional<Job>& job) const {
  status.reconcile_state = ReconcileState::kReady;
  status.update_kind = ServicingKind::kNone;
  if (!job.has_value()) return status;
  if (IsFinal(job->state)) {
    status.last_job = LastJobStatus{
        .id = job->id,
        .state = std::string(JobStateName(job->state)),
        .servicing_kind = std::string(
            ServicingKindName(job->plan.has_value() ? job->plan->kind : ServicingKind::kNone)),
        .reason = job->reason,
    };
    return status;
  }
  // Before the plan is there the job may still turn out to have nothing to do.
  if (job->state == JobState::kQueued || job->state == JobState::kPlanning ||
      !job->plan.has_value()) {
    return status;
  }
  if (job->plan->kind == ServicingKind::kCleanInstall) {
    status.reconcile_state = ReconcileState::kCleanInstall;
  } else {
    status.reconcile_state = ReconcileState::kUpdateInProgress;
    status.update_kind = job->plan->kind;
  }
  return status;
}

absl::Status Ledger::Begin(Job job) {
  const std::lock_guard write(write_mutex_);
  {
    const std::lock_guard lock(state_mutex_);
    TRIDENT_RETURN_IF_ERROR(foreign_);
    if (newest_.has_value() && !IsFinal(newest_->state)) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "job-active",
                       absl::StrCat("Job ", newest_->id, " is active."));
    }
  }
  job.boot_id = clock_.BootId();
  job.created_micros = job.updated_micros = clock_.WallMicros();
  Event event;
  event.job = Summarize(job);
  event.transition = true;
  StoreChange change;
  change.job = RecordOfJob(job);
  Log(LogLevel::kInfo, absl::StrCat("job ", job.id, ": queued"), {.job = job.id});
  return journal_.Commit(std::move(change), {std::move(event)}, [&] {
    const std::lock_guard lock(state_mutex_);
    newest_ = std::move(job);
  });
}

absl::StatusOr<Job> Ledger::Transition(const Job& seen, JobEvent event, JobChange change) {
  const std::lock_guard write(write_mutex_);
  return Write(seen, event, std::move(change));
}

absl::StatusOr<Job> Ledger::Edit(const Job& seen, JobChange change) {
  const std::lock_guard write(write_mutex_);
  return Write(seen, std::nullopt, std::move(change));
}

absl::StatusOr<Job> Ledger::Write(const Job& seen, std::optional<JobEvent> event,
                                  JobChange change) {
  Job job;
  HostStatus status;
  {
    const std::lock_guard lock(state_mutex_);
    if (!newest_.has_value() || newest_->id != seen.id || newest_->state != seen.state) {
      return MakeError(absl::StatusCode::kAborted, "precondition", kMovedOn,
                       absl::StrCat("Job ", seen.id, " is not in state ",
                                    std::string(JobStateName(seen.state)), " any more."));
    }
    job = *newest_;
    status = status_;
  }
  std::vector<Event> events = std::move(change.events);
  if (event.has_value()) {
    const auto next = NextState(job, *event);
    if (!next.ok()) {
      Log(LogLevel::kError, std::string(next.status().message()), {.job = job.id});
      return next.status();
    }
    job.state = *next;
    job.boot_id = clock_.BootId();
    Event transition;
    transition.transition = true;
    events.push_back(std::move(transition));
  }
  if (change.edit) change.edit(job);
  job.updated_micros = clock_.WallMicros();
  if (change.status.has_value()) {
    change.status->last_job = status.last_job;
    status = *std::move(change.status);
  }
  status = Compose(std::move(status), job);
  for (Event& told : events) told.job = Summarize(job);

  StoreChange stored;
  stored.job = RecordOfJob(job);
  stored.host_status = WriteHostStatus(status);
  stored.configuration = std::move(change.configuration);
  std::string yaml = *stored.host_status;
  TRIDENT_RETURN_IF_ERROR(journal_.Commit(std::move(stored), std::move(events), [&] {
    if (event.has_value()) {
      Log(LogLevel::kInfo,
          absl::StrCat("job ", job.id, ": ", std::string(JobStateName(job.state)),
                       job.reason.empty() ? "" : ": ", job.reason),
          {.job = job.id});
    }
    const std::lock_guard lock(state_mutex_);
    newest_ = job;
    status_ = std::move(status);
    status_yaml_ = std::move(yaml);
  }));
  return job;
}

absl::Status Ledger::SaveStatus(const HostStatus& status, std::vector<Event> events) {
  const std::lock_guard write(write_mutex_);
  HostStatus composed;
  {
    const std::lock_guard lock(state_mutex_);
    HostStatus merged = status;
    merged.last_job = status_.last_job;
    composed = Compose(std::move(merged), newest_);
  }
  StoreChange change;
  change.host_status = WriteHostStatus(composed);
  std::string yaml = *change.host_status;
  return journal_.Commit(std::move(change), std::move(events), [&] {
    const std::lock_guard lock(state_mutex_);
    status_ = std::move(composed);
    status_yaml_ = std::move(yaml);
  });
}

void Ledger::Halt(const absl::Status& error) {
  Event event;
  {
    const std::lock_guard lock(state_mutex_);
    if (!halted_.ok()) return;
    ErrorDetail detail = GetErrorDetail(error);
    detail.causes.insert(detail.causes.begin(), detail.message);
    detail.message =
        absl::StrCat("Job ", newest_.has_value() ? newest_->id : "",
                     " stands still, because the agent cannot go on safely: ", detail.message);
    if (detail.remedy.empty()) {
      detail.remedy = "Remove the cause and restart the agent; the job then goes on.";
    }
    halted_ = MakeError(error.code(), std::move(detail));
    if (newest_.has_value()) {
      event.job = Summarize(*newest_);
      event.job->error = GetErrorDetail(halted_);
    }
    event.log = LogEvent{"error", std::string(halted_.message())};
  }
  Log(LogLevel::kError, event.log->message,
      {.job = event.job.has_value() ? std::string_view(event.job->id) : std::string_view()});
  journal_.Tell(std::move(event));
}

absl::Status Ledger::Halted() const {
  const std::lock_guard lock(state_mutex_);
  return halted_;
}

}  // namespace trident
