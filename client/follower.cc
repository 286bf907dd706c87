#include "client/follower.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/format.h"
#include "common/config/allowed_operations.h"

namespace trident::client {
namespace {

pb::Outcome OutcomeOf(const pb::Job& job) {
  pb::Outcome outcome;
  outcome.set_result(StateName(job.state()));
  outcome.set_message(job.reason());
  if (job.has_error()) *outcome.mutable_error() = job.error();
  return outcome;
}

}  // namespace

int Follower::Update(const pb::HostUpdateRequest& request, const std::string& file) {
  file_ = file;
  // A word that the agent does not know is for the agent to refuse.
  const auto operations = ParseAllowedOperations(request.allowed_operations());
  transition_allowed_ = !operations.ok() || operations->transition;
  Connection connection(session_.target);
  connection.Await(session_.wait);
  grpc::ClientContext context;
  const Interrupt::Hook hook(session_.interrupt, [&context] { context.TryCancel(); });
  const auto reader = connection.stub().UpdateHost(&context, request);
  const Ended ended = Read(*reader, true);
  if (session_.interrupt.triggered()) return Interrupted();
  if (ended != Ended::kLost) return Conclude(status_);
  if (!Watching()) return Fail(session_.err, status_, session_.target);
  BeginToWait();
  return Resume();
}

int Follower::FollowJob(const std::string& job_id, const pb::HostStatusState& position) {
  job_id_ = job_id;
  journal_id_ = position.journal_id();
  sequence_ = position.newest_sequence();
  return Resume();
}

int Follower::FollowHost() { return Resume(); }

Follower::Ended Follower::Read(grpc::ClientReader<pb::HostStatusState>& reader, bool update) {
  snapshot_job_.reset();
  pb::HostStatusState message;
  while (reader.Read(&message)) {
    Observe(message, update);
    // UpdateHost ends by itself, with a status that belongs to the outcome.
    if (outcome_ && !update) return Ended::kDone;
  }
  status_ = reader.Finish();
  if (outcome_) return Ended::kDone;
  if (status_.ok()) return update && !rebooting_ ? Ended::kDone : Ended::kLost;
  return IsConnectionLoss(status_) ? Ended::kLost : Ended::kRefused;
}

void Follower::Observe(const pb::HostStatusState& message, bool update) {
  renderer_.Show(message);
  pause_ = std::chrono::milliseconds(0);
  if (!message.journal_id().empty()) journal_id_ = message.journal_id();
  const bool snapshot = message.sequence() == 0 && !message.has_progress();
  if (message.sequence() != 0) sequence_ = message.sequence();
  if (snapshot && !sequence_) sequence_ = message.newest_sequence();
  if (snapshot && message.gap()) sequence_ = message.newest_sequence();
  if (update && job_id_.empty() && message.has_job() && message.outcome().result() != "refused" &&
      message.outcome().result() != "ok") {
    job_id_ = message.job().id();
  }
  if (snapshot && !update) {
    snapshot_job_ = message.job();
    snapshot_sequence_ = message.newest_sequence();
  }

  const bool ours = update || (Watching() && message.job().id() == job_id_);
  if (ours && message.has_job()) {
    rebooting_ = message.job().state() == pb::JOB_STATE_REBOOTING;
    if (rebooting_) {
      BeginToWait();
    } else {
      waiting_since_.reset();
    }
  } else if (!Watching()) {
    waiting_since_.reset();
  }
  if (ours && message.has_outcome() && message.outcome().result() != "rebooting") {
    outcome_ = message.outcome();
  }
  if (ours && !update && message.job().state() == pb::JOB_STATE_STAGED && !transition_allowed_) {
    outcome_ = OutcomeOf(message.job());
  }
  if (!update && Watching() && !outcome_) ConcludeFromSnapshot();
}

void Follower::ConcludeFromSnapshot() {
  // Events that are on their way may tell more than the snapshot, which was taken after them.
  if (!snapshot_job_ || sequence_.value_or(0) < snapshot_sequence_) return;
  if (snapshot_job_->id() != job_id_) {
    ConcludeFromRecords();
  } else if (IsFinal(snapshot_job_->state())) {
    outcome_ = OutcomeOf(*snapshot_job_);
  }
  snapshot_job_.reset();
}

void Follower::ConcludeFromRecords() {
  Connection connection(session_.target);
  pb::ListJobsResponse response;
  const grpc::Status status = Call(connection, &pb::HostManagement::Stub::ListJobs,
                                   pb::ListJobsRequest(), response, kQuickCall);
  if (!status.ok()) return;  // the stream will tell that the agent is gone
  for (const pb::Job& job : response.jobs()) {
    if (job.id() != job_id_) continue;
    if (IsFinal(job.state())) outcome_ = OutcomeOf(job);
    return;
  }
  outcome_.emplace();
  outcome_->set_result("unknown");
  outcome_->set_message(
      absl::StrCat("the agent there does not know job ", job_id_, "; is it the same host?"));
}

int Follower::Resume() {
  while (true) {
    if (session_.interrupt.triggered()) return Interrupted();
    Clock::time_point limit = Clock::time_point::max();
    if (waiting_since_) {
      limit = *waiting_since_ + session_.patience.reboot_timeout;
      if (Clock::now() >= limit) return OutOfPatience();
    }
    Connection connection(session_.target);
    grpc::ClientContext context;
    if (waiting_since_) {
      // Also for a host that stays connected, but never leaves.
      context.set_deadline(
          std::chrono::system_clock::now() +
          std::chrono::duration_cast<std::chrono::system_clock::duration>(limit - Clock::now()));
    }
    Ended ended;
    {
      const Interrupt::Hook hook(session_.interrupt, [&context] { context.TryCancel(); });
      pb::GetStatusRequest request;
      request.set_follow(true);
      if (sequence_) request.set_after_sequence(*sequence_);
      if (sequence_) request.set_journal_id(journal_id_);
      const auto reader = connection.stub().GetStatus(&context, request);
      ended = Read(*reader, false);
      if (ended == Ended::kDone) context.TryCancel();
    }
    if (session_.interrupt.triggered()) return Interrupted();
    if (ended == Ended::kDone) return Conclude(grpc::Status::OK);
    if (ended == Ended::kRefused) {
      if (status_.error_code() == grpc::OUT_OF_RANGE && sequence_) {
        renderer_.Note(
            "the agent's journal does not reach back to where this client was; starting "
            "over from its present state");
        sequence_.reset();
        journal_id_.clear();
        continue;
      }
      if (status_.error_code() != grpc::DEADLINE_EXCEEDED) {
        return Fail(session_.err, status_, session_.target);
      }
      // The limit was for a reboot that is over by now, or it is not over, as the loop will see.
      if (!waiting_since_) continue;
    }
    if (!waiting_since_) {
      if (!Watching() && !sequence_) return Fail(session_.err, status_, session_.target);
      BeginToWait();
    }
    pause_ = std::clamp(pause_ * 2, session_.patience.first_pause, session_.patience.longest_pause);
    session_.interrupt.WaitFor(pause_);
  }
}

void Follower::BeginToWait() {
  if (waiting_since_) return;
  waiting_since_ = Clock::now();
  renderer_.Note(rebooting_ ? "the host reboots; waiting for it to come back"
                            : "the connection is lost; waiting for the agent to come back");
}

int Follower::Conclude(const grpc::Status& status) {
  if (!outcome_) {
    if (status.ok()) return kExitSuccess;  // an agent that tells no outcomes
    return Fail(session_.err, status, session_.target);
  }
  const pb::Outcome& outcome = *outcome_;
  renderer_.End(outcome);
  const int code = ExitCodeOfResult(outcome.result());
  if (code == kExitSuccess) return code;
  PrintFindings(session_.err, file_, outcome.findings());
  pb::ErrorDetail detail = outcome.error();
  if (detail.message().empty() && !ReadDetail(status, detail)) return code;
  PrintError(session_.err, detail);
  return code;
}

int Follower::Interrupted() {
  if (Watching()) {
    session_.err << "\ninterrupted; job " << job_id_
                 << " goes on in the agent. Follow it with: tridentctl status --follow. Cancel it "
                    "with: tridentctl cancel "
                 << job_id_ << '\n';
  } else {
    session_.err << "\ninterrupted\n";
  }
  return kExitInterrupted;
}

int Follower::OutOfPatience() {
  session_.err << "error: the host did not come back within "
               << FormatDuration(
                      std::chrono::duration<double>(session_.patience.reboot_timeout).count())
               << '\n';
  if (Watching()) {
    session_.err << "  remedy: Look at the host's console. When it is back, tridentctl jobs tells "
                    "what became of job "
                 << job_id_ << ".\n";
  }
  return kExitUnreachable;
}

}  // namespace trident::client
