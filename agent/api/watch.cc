#include "agent/api/watch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/api/translate.h"
#include "common/base/error.h"

namespace trident::api {
namespace {

class OneMessageSource : public StreamSource {
 public:
  OneMessageSource(pb::HostStatusState message, grpc::Status end)
      : message_(std::move(message)), end_(std::move(end)) {}

  StreamStep Next() override { return {.message = std::move(message_), .end = std::move(end_)}; }
  StreamStep NextWhileDraining() override { return Next(); }

 private:
  pb::HostStatusState message_;
  grpc::Status end_;
};

// Reads a subscription; puts a new one in its place when the journal was pruned before this reader
// came to it.
class Reader {
 public:
  Reader(JobManager& jobs, std::unique_ptr<Subscription> subscription, std::function<void()> wake)
      : jobs_(jobs), subscription_(std::move(subscription)), wake_(std::move(wake)) {}

  struct Item {
    std::optional<Event> event;
    bool gap = false;  // events were lost before `event`
  };
  absl::StatusOr<Item> Next() {
    auto event = subscription_->Next();
    if (event.ok()) return Item{.event = *std::move(event)};
    if (!absl::IsOutOfRange(event.status())) return event.status();
    TRIDENT_ASSIGN_OR_RETURN(subscription_, jobs_.Subscribe(std::nullopt, "", wake_));
    return Item{.event = std::nullopt, .gap = true};
  }

 private:
  JobManager& jobs_;
  std::unique_ptr<Subscription> subscription_;
  const std::function<void()> wake_;
};

pb::HostStatusState GapMessage(JobManager& jobs) {
  pb::HostStatusState message = ToProto(jobs.Now());
  message.set_gap(true);
  return message;
}

class JobSource : public StreamSource {
 public:
  JobSource(JobManager& jobs, Reader reader, JobSummary job, uint64_t after_sequence)
      : jobs_(jobs), reader_(std::move(reader)), id_(job.id) {
    pb::HostStatusState message = ToProto(jobs_.Now());
    *message.mutable_job() = ToProto(job);
    // Where somebody who loses this stream goes on from without missing an event of the job.
    message.set_newest_sequence(after_sequence);
    first_ = std::move(message);
  }

  StreamStep Next() override { return Advance(false); }
  StreamStep NextWhileDraining() override { return Advance(true); }

 private:
  StreamStep Advance(bool draining) {
    if (first_) return {.message = *std::exchange(first_, std::nullopt), .end = std::nullopt};
    if (auto step = NextEvent()) return *std::move(step);
    // Nothing is waiting. The job may have ended in a way that this stream saw nothing of: before
    // the call, or in a gap.
    const auto job = jobs_.Find(id_);
    if (!job.ok()) return {.message = std::nullopt, .end = ToGrpc(job.status())};
    if (IsEnd(*job)) {
      // The end may have come after the look at the journal, and then has an event.
      if (auto step = NextEvent()) return *std::move(step);
      pb::HostStatusState message = ToProto(jobs_.Now());
      *message.mutable_job() = ToProto(*job);
      return End(std::move(message), *job);
    }
    if (!draining) return {};
    ErrorDetail detail;
    detail.kind = "environment";
    detail.subkind = "agent-stopping";
    detail.message =
        absl::StrCat("the agent is stopping; job ", id_, " (",
                     std::string(JobStateName(job->state)), ") goes on when it is started again");
    detail.remedy = "Follow the job with GetStatus, after the last sequence that you have seen.";
    detail.retryable = true;
    return {.message = std::nullopt, .end = ToGrpc(absl::StatusCode::kUnavailable, detail)};
  }

  // The next message that is about this job.
  std::optional<StreamStep> NextEvent() {
    while (true) {
      auto item = reader_.Next();
      if (!item.ok()) return StreamStep{.message = std::nullopt, .end = ToGrpc(item.status())};
      if (item->gap) return StreamStep{.message = GapMessage(jobs_), .end = std::nullopt};
      if (!item->event) return std::nullopt;
      const Event& event = *item->event;
      if (!event.job || event.job->id != id_) continue;
      pb::HostStatusState message = ToProto(event, jobs_.Now());
      if (event.transition && IsEnd(*event.job)) return End(std::move(message), *event.job);
      return StreamStep{.message = std::move(message), .end = std::nullopt};
    }
  }

  // This is as far as the stream goes.
  bool IsEnd(const JobSummary& job) const {
    if (IsFinal(job.state) || job.state == JobState::kRebooting) return true;
    if (job.state != JobState::kStaged) return false;
    const auto operations = jobs_.OperationsOf(id_);
    return operations.ok() && !operations->transition;
  }

  static StreamStep End(pb::HostStatusState message, const JobSummary& job) {
    *message.mutable_outcome() = OutcomeOf(job);
    return {.message = std::move(message), .end = FinalStatus(job)};
  }

  JobManager& jobs_;
  Reader reader_;
  const std::string id_;
  std::optional<pb::HostStatusState> first_;
};

class StatusSource : public StreamSource {
 public:
  StatusSource(JobManager& jobs, std::optional<Reader> reader)
      : jobs_(jobs), reader_(std::move(reader)) {}

  StreamStep Next() override {
    if (!std::exchange(greeted_, true)) {
      StreamStep step{.message = ToProto(jobs_.Now()), .end = std::nullopt};
      if (!reader_) step.end = grpc::Status::OK;
      return step;
    }
    auto item = reader_->Next();
    if (!item.ok()) return {.message = std::nullopt, .end = ToGrpc(item.status())};
    if (item->gap) return {.message = GapMessage(jobs_), .end = std::nullopt};
    if (!item->event) return {};
    return {.message = ToProto(*item->event, jobs_.Now()), .end = std::nullopt};
  }

  StreamStep NextWhileDraining() override {
    StreamStep step = Next();
    if (!step.message && !step.end) {
      return {.message = ToProto(jobs_.Now()), .end = grpc::Status::OK};
    }
    return step;
  }

 private:
  JobManager& jobs_;
  std::optional<Reader> reader_;
  bool greeted_ = false;
};

std::string Describe(const Plan& plan) {
  if (plan.kind == ServicingKind::kNone) return "nothing to do: the host is as desired";
  return absl::StrCat(
      "would do: ", std::string(ServicingKindName(plan.kind)), ", ", plan.steps.size(),
      plan.steps.size() == 1 ? " step" : " steps",
      plan.target ? absl::StrCat(", onto ", std::string(VolumeName(*plan.target))) : "",
      plan.reboots ? ", with a reboot" : ", without a reboot");
}

}  // namespace

std::unique_ptr<StreamSource> MakeLookedOnlySource(JobManager& jobs, const Plan& plan) {
  pb::HostStatusState message = ToProto(jobs.Now());
  message.mutable_outcome()->set_result("ok");
  message.mutable_outcome()->set_message(Describe(plan));
  return std::make_unique<OneMessageSource>(std::move(message), grpc::Status::OK);
}

std::unique_ptr<StreamSource> MakeRefusedSource(JobManager& jobs, const absl::Status& refusal) {
  const ErrorDetail detail = GetErrorDetail(refusal);
  pb::HostStatusState message = ToProto(jobs.Now());
  pb::Outcome& outcome = *message.mutable_outcome();
  outcome.set_result("refused");
  outcome.set_message(CleanUtf8(detail.message));
  *outcome.mutable_error() = ToProto(detail);
  AddFindings(detail.findings, *outcome.mutable_findings());
  return std::make_unique<OneMessageSource>(std::move(message), ToGrpc(refusal));
}

absl::StatusOr<std::unique_ptr<StreamSource>> MakeJobSource(JobManager& jobs,
                                                            const Submitted& submitted,
                                                            std::function<void()> wake) {
  TRIDENT_ASSIGN_OR_RETURN(auto subscription, jobs.Subscribe(submitted.after_sequence, "", wake));
  TRIDENT_ASSIGN_OR_RETURN(JobSummary job, jobs.Find(*submitted.job_id));
  return std::make_unique<JobSource>(jobs, Reader(jobs, std::move(subscription), std::move(wake)),
                                     std::move(job), submitted.after_sequence);
}

absl::StatusOr<std::unique_ptr<StreamSource>> MakeStatusSource(JobManager& jobs,
                                                               const StatusWatch& watch,
                                                               std::function<void()> wake) {
  if (!watch.follow) {
    const std::string own = jobs.Now().journal_id;
    if (!watch.journal_id.empty() && watch.journal_id != own) {
      return MakeError(
          absl::StatusCode::kOutOfRange, "precondition", "other-journal",
          absl::StrCat("journal ", watch.journal_id, " is not this agent's, which is ", own),
          "Start over without journal_id and after_sequence.");
    }
    return std::make_unique<StatusSource>(jobs, std::nullopt);
  }
  // Before the snapshot, which is taken when it is sent: nothing falls between the two.
  TRIDENT_ASSIGN_OR_RETURN(auto subscription,
                           jobs.Subscribe(watch.after_sequence, watch.journal_id, wake));
  return std::make_unique<StatusSource>(jobs,
                                        Reader(jobs, std::move(subscription), std::move(wake)));
}

}  // namespace trident::api
