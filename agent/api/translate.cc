#include "agent/api/translate.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/utf8.h"
#include "proto/rpc_status.pb.h"

namespace trident::api {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr size_t kMessageLimit = 1024;
constexpr size_t kCauseLimit = 256;
constexpr size_t kMaximumCauses = 6;
constexpr int64_t kMicrosPerSecond = 1'000'000;

pb::JobState ToProto(JobState state) {
  switch (state) {
    case JobState::kQueued:
      return pb::JOB_STATE_QUEUED;
    case JobState::kPlanning:
      return pb::JOB_STATE_PLANNING;
    case JobState::kStaging:
      return pb::JOB_STATE_STAGING;
    case JobState::kStaged:
      return pb::JOB_STATE_STAGED;
    case JobState::kFinalizing:
      return pb::JOB_STATE_FINALIZING;
    case JobState::kRebooting:
      return pb::JOB_STATE_REBOOTING;
    case JobState::kVerifying:
      return pb::JOB_STATE_VERIFYING;
    case JobState::kRollingBack:
      return pb::JOB_STATE_ROLLING_BACK;
    case JobState::kSucceeded:
      return pb::JOB_STATE_SUCCEEDED;
    case JobState::kFailed:
      return pb::JOB_STATE_FAILED;
    case JobState::kCancelled:
      return pb::JOB_STATE_CANCELLED;
    case JobState::kRolledBack:
      return pb::JOB_STATE_ROLLED_BACK;
  }
  return pb::JOB_STATE_UNSPECIFIED;
}

void SetTimestamp(int64_t micros, google::protobuf::Timestamp& timestamp) {
  int64_t seconds = micros / kMicrosPerSecond;
  int64_t rest = micros % kMicrosPerSecond;
  if (rest < 0) {  // nanos count forward, also before 1970
    --seconds;
    rest += kMicrosPerSecond;
  }
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(rest * 1000));
}

absl::StatusCode CodeOfKind(std::string_view kind) {
  struct Row {
    std::string_view kind;
    absl::StatusCode code;
  };
  static constexpr Row kRows[] = {
      {"invalid-input", absl::StatusCode::kInvalidArgument},
      {"unsupported", absl::StatusCode::kUnimplemented},
      {"precondition", absl::StatusCode::kFailedPrecondition},
      {"environment", absl::StatusCode::kFailedPrecondition},
      {"encryption", absl::StatusCode::kFailedPrecondition},
      // Not UNAVAILABLE: client libraries retry that by themselves, which would begin a new job.
      {"network", absl::StatusCode::kFailedPrecondition},
      {"image", absl::StatusCode::kDataLoss},
      {"health", absl::StatusCode::kAborted},
      {"cancelled", absl::StatusCode::kCancelled},
  };
  for (const Row& row : kRows) {
    if (row.kind == kind) return row.code;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

std::string CleanUtf8(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8CharacterLength(text);
    clean.append(length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return clean;
}

std::string Shorten(std::string_view text, size_t limit) {
  // A clean text is never shorter than it was, so that a piece of the original is enough to clean.
  std::string clean = CleanUtf8(text.substr(0, limit + 1));
  if (clean.size() <= limit) return clean;
  constexpr std::string_view kMore = "...";
  size_t end = limit > kMore.size() ? limit - kMore.size() : 0;
  while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xC0) == 0x80) --end;
  clean.resize(end);
  return clean.append(kMore.substr(0, limit));
}

pb::Finding ToProto(const Finding& finding) {
  pb::Finding message;
  message.set_path(CleanUtf8(finding.path));
  message.set_line(finding.line);
  message.set_column(finding.column);
  message.set_reason(CleanUtf8(finding.reason));
  message.set_remedy(CleanUtf8(finding.remedy));
  return message;
}

void AddFindings(const std::vector<Finding>& findings,
                 google::protobuf::RepeatedPtrField<pb::Finding>& to) {
  constexpr size_t kRoomForOne = 16;  // tag, length and numbers of one finding
  size_t size = 0;
  for (size_t i = 0; i < findings.size(); ++i) {
    pb::Finding message = ToProto(findings[i]);
    size += message.ByteSizeLong() + kRoomForOne;
    if (size > kFindingsLimit) {
      to.Add()->set_reason(absl::StrCat("and ", findings.size() - i, " more findings"));
      return;
    }
    *to.Add() = std::move(message);
  }
}

pb::ErrorDetail ToProto(const ErrorDetail& detail) {
  pb::ErrorDetail message;
  message.set_kind(CleanUtf8(detail.kind));
  message.set_subkind(CleanUtf8(detail.subkind));
  message.set_message(CleanUtf8(detail.message));
  for (const std::string& cause : detail.causes) message.add_causes(CleanUtf8(cause));
  message.set_remedy(CleanUtf8(detail.remedy));
  message.set_retryable(detail.retryable);
  message.set_finding_count(static_cast<uint32_t>(detail.findings.size()));
  return message;
}

pb::Job ToProto(const JobSummary& job) {
  pb::Job message;
  message.set_id(CleanUtf8(job.id));
  message.set_state(ToProto(job.state));
  message.set_servicing_kind(std::string(ServicingKindName(job.kind)));
  if (job.target) message.set_target_volume(std::string(VolumeName(*job.target)));
  message.set_configuration_digest(CleanUtf8(job.configuration_digest));
  SetTimestamp(job.created_micros, *message.mutable_created());
  SetTimestamp(job.updated_micros, *message.mutable_updated());
  message.set_reason(CleanUtf8(job.reason));
  if (job.error) *message.mutable_error() = ToProto(*job.error);
  return message;
}

pb::PlanHostResponse ToProto(const Plan& plan) {
  pb::PlanHostResponse message;
  message.set_servicing_kind(std::string(ServicingKindName(plan.kind)));
  if (plan.target) message.set_target_volume(std::string(VolumeName(*plan.target)));
  for (const Step& step : plan.steps) {
    pb::PlannedStep& planned = *message.add_steps();
    planned.set_id(CleanUtf8(step.id));
    planned.set_phase(std::string(PhaseName(step.phase)));
    planned.set_description(CleanUtf8(step.description));
    planned.set_bytes(step.bytes);
  }
  message.set_bytes_to_fetch(plan.bytes_to_fetch);
  message.set_bytes_to_write(plan.bytes_to_write);
  for (const Destroyed& destroyed : plan.destroyed) {
    pb::Destroyed& item = *message.add_destroyed();
    item.set_device(CleanUtf8(destroyed.device));
    item.set_what(CleanUtf8(destroyed.what));
  }
  message.set_reboots(plan.reboots);
  message.set_digest(CleanUtf8(plan.digest));
  for (const std::string& warning : plan.warnings) message.add_warnings(CleanUtf8(warning));
  return message;
}

pb::HostStatusState ToProto(const Snapshot& snapshot) {
  pb::HostStatusState message;
  message.set_status(CleanUtf8(snapshot.status_yaml));
  message.set_journal_id(CleanUtf8(snapshot.journal_id));
  message.set_newest_sequence(snapshot.newest_sequence);
  if (snapshot.job) *message.mutable_job() = ToProto(*snapshot.job);
  return message;
}

pb::HostStatusState ToProto(const Event& event, const Snapshot& now) {
  pb::HostStatusState message;
  message.set_status(CleanUtf8(now.status_yaml));
  message.set_journal_id(CleanUtf8(now.journal_id));
  message.set_sequence(event.sequence);
  SetTimestamp(event.wall_micros, *message.mutable_timestamp());
  message.set_boot_id(CleanUtf8(event.boot_id));
  message.set_boottime_ns(static_cast<uint64_t>(std::max<int64_t>(event.boottime_nanos, 0)));
  if (event.job) *message.mutable_job() = ToProto(*event.job);
  if (event.step) {
    pb::StepState& step = *message.mutable_step();
    step.set_id(CleanUtf8(event.step->id));
    step.set_description(CleanUtf8(event.step->description));
    step.set_phase(std::string(PhaseName(event.step->phase)));
    step.set_index(event.step->index);
    step.set_count(event.step->count);
    switch (event.step->state) {
      case StepEvent::State::kStarted:
        step.set_state(pb::StepState::STATE_STARTED);
        break;
      case StepEvent::State::kDone:
        step.set_state(pb::StepState::STATE_DONE);
        break;
      case StepEvent::State::kFailed:
        step.set_state(pb::StepState::STATE_FAILED);
        break;
    }
  }
  if (event.progress) {
    pb::Progress& progress = *message.mutable_progress();
    progress.set_bytes_done(event.progress->bytes_done);
    progress.set_bytes_total(event.progress->bytes_total);
    progress.set_rate(event.progress->rate);
    progress.set_seconds_left(event.progress->seconds_left);
    progress.set_fraction(event.progress->fraction);
  }
  if (event.log) {
    message.mutable_log()->set_level(CleanUtf8(event.log->level));
    message.mutable_log()->set_message(CleanUtf8(event.log->message));
  }
  if (event.transition && event.job && IsFinal(event.job->state)) {
    *message.mutable_outcome() = OutcomeOf(*event.job);
  }
  return message;
}

pb::Outcome OutcomeOf(const JobSummary& job) {
  pb::Outcome outcome;
  outcome.set_result(std::string(JobStateName(job.state)));
  if (!job.reason.empty()) {
    outcome.set_message(CleanUtf8(job.reason));
  } else if (job.error) {
    outcome.set_message(CleanUtf8(job.error->message));
  } else if (job.state == JobState::kStaged) {
    outcome.set_message("the target is complete and verified; the transition waits to be allowed");
  } else if (job.state == JobState::kRebooting) {
    outcome.set_message("the host reboots; the job goes on after that");
  }
  if (job.error) {
    *outcome.mutable_error() = ToProto(*job.error);
    AddFindings(job.error->findings, *outcome.mutable_findings());
  }
  return outcome;
}

grpc::Status ToGrpc(absl::StatusCode code, const ErrorDetail& detail) {
  pb::ErrorDetail message;
  message.set_kind(Shorten(detail.kind, 64));
  message.set_subkind(Shorten(detail.subkind, 64));
  message.set_message(Shorten(detail.message, kMessageLimit));
  message.set_remedy(Shorten(detail.remedy, kCauseLimit * 2));
  message.set_retryable(detail.retryable);
  message.set_finding_count(static_cast<uint32_t>(detail.findings.size()));
  const size_t causes = std::min(detail.causes.size(), kMaximumCauses);
  for (size_t i = 0; i < causes; ++i) {
    // The first cause is the root of it and must be there, whatever is left out between.
    const size_t index = i + 1 == causes ? detail.causes.size() - 1 : i;
    message.add_causes(Shorten(detail.causes[index], kCauseLimit));
  }

  pb::rpc::Status rich;
  rich.set_code(static_cast<int32_t>(code));
  rich.set_message(Shorten(detail.message, kMessageLimit / 2));
  google::protobuf::Any& any = *rich.add_details();
  any.set_type_url("type.googleapis.com/trident.ErrorDetail");
  const auto serialize = [&] {
    any.set_value(message.SerializeAsString());
    return rich.SerializeAsString();
  };
  std::string bytes = serialize();
  for (const Finding& finding : detail.findings) {
    pb::Finding& item = *message.add_findings();
    item = ToProto(finding);
    item.set_path(Shorten(finding.path, kCauseLimit));
    item.set_reason(Shorten(finding.reason, kCauseLimit));
    item.set_remedy(Shorten(finding.remedy, kCauseLimit));
    std::string more = serialize();
    if (more.size() >= kDetailsLimit) break;
    bytes = std::move(more);
  }
  return {static_cast<grpc::StatusCode>(code), Shorten(detail.message, kMessageLimit), bytes};
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return ToGrpc(status.code(), GetErrorDetail(status));
}

grpc::Status FinalStatus(const JobSummary& job) {
  ErrorDetail detail = job.error.value_or(ErrorDetail{});
  if (detail.message.empty()) detail.message = job.reason;
  if (detail.message.empty()) {
    detail.message =
        absl::StrCat("job ", job.id, " ended as ", std::string(JobStateName(job.state)));
  }
  switch (job.state) {
    case JobState::kFailed: {
      if (detail.kind.empty()) detail.kind = "internal";
      return ToGrpc(CodeOfKind(detail.kind), detail);
    }
    case JobState::kCancelled:
      if (detail.kind.empty()) detail.kind = "cancelled";
      return ToGrpc(absl::StatusCode::kCancelled, detail);
    case JobState::kRolledBack:
      if (detail.kind.empty()) detail.kind = "health";
      return ToGrpc(absl::StatusCode::kAborted, detail);
    default:
      return grpc::Status::OK;
  }
}

}  // namespace trident::api
