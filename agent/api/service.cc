#include "agent/api/service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/api/translate.h"
#include "agent/api/watch.h"
#include "common/base/error.h"
#include "common/base/version.h"
#include "common/config/allowed_operations.h"
#include "common/config/document.h"

namespace trident::api {
namespace {

constexpr size_t kReadThreads = 2;
constexpr size_t kWorkThreads = 4;
constexpr size_t kWorkQueue = 64;

template <typename Message>
absl::StatusOr<Message> Parse(const grpc::ByteBuffer& bytes) {
  // The traits drop what they parse, so they get a copy of the (counted) references.
  grpc::ByteBuffer copy = bytes;
  Message message;
  if (!grpc::SerializationTraits<Message>::Deserialize(&copy, &message).ok()) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "invalid-input", "request",
        absl::StrCat("the request is not a valid ", Message::descriptor()->full_name(),
                     " message (invalid UTF-8 in a string?)"),
        "Send the Host Configuration as UTF-8, in the message of proto/trident.proto.");
  }
  return message;
}

absl::Status TooBusy() {
  ErrorDetail detail;
  detail.kind = "environment";
  detail.subkind = "busy";
  detail.message = absl::StrCat("the agent is busy: ", kWorkQueue, " requests are waiting already");
  detail.remedy = "Try again later.";
  detail.retryable = true;
  return MakeError(absl::StatusCode::kResourceExhausted, std::move(detail));
}

// One unary call. Finished by whoever comes first: the work, or the client's going away (a server
// that shuts down must not wait for a plan that waits for the network). Its end and the work's end
// may come in any order, so both hold it.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  static std::shared_ptr<UnaryCall> Start(grpc::ByteBuffer* response) {
    std::shared_ptr<UnaryCall> call(new UnaryCall(response));
    call->self_ = call;
    return call;
  }

  void Succeed(const google::protobuf::Message& message) {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(finished_, true)) return;
      bool own_buffer = false;
      const grpc::Status status = grpc::SerializationTraits<google::protobuf::Message>::Serialize(
          message, response_, &own_buffer);
      if (!status.ok()) response_->Clear();
    }
    Finish(grpc::Status::OK);
  }
  void Fail(grpc::Status status) {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(finished_, true)) return;
    }
    Finish(std::move(status));
  }

 private:
  explicit UnaryCall(grpc::ByteBuffer* response) : response_(response) {}
  void OnCancel() override {
    Fail({grpc::StatusCode::CANCELLED, "the client is gone, or the agent is stopping"});
  }
  void OnDone() override { const std::shared_ptr<UnaryCall> self = std::move(self_); }

  grpc::ByteBuffer* const response_;  // valid until Finish
  std::mutex mutex_;
  bool finished_ = false;
  std::shared_ptr<UnaryCall> self_;
};

std::function<void()> WakeOf(const std::shared_ptr<EventStream>& stream) {
  return [weak = std::weak_ptr<EventStream>(stream)] {
    if (const auto alive = weak.lock()) alive->Wake();
  };
}

// The source of an update's messages. `request` is the caller's.
absl::StatusOr<std::unique_ptr<StreamSource>> Submit(JobManager& jobs,
                                                     const pb::HostUpdateRequest& request,
                                                     std::function<void()> wake) {
  Submission submission;
  TRIDENT_ASSIGN_OR_RETURN(submission.configuration,
                           ParseHostConfiguration(request.host_configuration()));
  TRIDENT_ASSIGN_OR_RETURN(submission.operations,
                           ParseAllowedOperations(request.allowed_operations()));
  submission.plan_digest = request.plan_digest();
  submission.force = request.force();
  TRIDENT_ASSIGN_OR_RETURN(const Submitted submitted, jobs.Submit(submission));
  if (!submitted.job_id) return MakeLookedOnlySource(jobs, submitted.plan);
  return MakeJobSource(jobs, submitted, std::move(wake));
}

}  // namespace

Service::Service(JobManager& jobs, StoreRange store_range)
    : jobs_(jobs),
      store_range_(store_range),
      reads_(kReadThreads, 0),
      works_(kWorkThreads, kWorkQueue) {}

void Service::Drain() {
  std::vector<std::weak_ptr<EventStream>> streams;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    streams = streams_;
  }
  for (const auto& weak : streams) {
    if (const auto stream = weak.lock()) stream->Drain();
  }
}

std::shared_ptr<EventStream> Service::NewStream() {
  auto stream = EventStream::Start(reads_);
  bool draining = false;
  {
    const std::lock_guard lock(mutex_);
    // Swept when it would grow, so that every call pays little and dead ones never pile up.
    if (streams_.size() == streams_.capacity()) {
      streams_.erase(std::remove_if(streams_.begin(), streams_.end(),
                                    [](const auto& weak) { return weak.expired(); }),
                     streams_.end());
    }
    streams_.push_back(stream);
    draining = draining_;
  }
  if (draining) stream->Drain();
  return stream;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* Service::UpdateHost(
    grpc::CallbackServerContext* /*context*/, const grpc::ByteBuffer* request) {
  const auto stream = NewStream();
  auto parsed = Parse<pb::HostUpdateRequest>(*request);
  if (!parsed.ok()) {
    stream->Refuse(ToGrpc(parsed.status()));
    return stream.get();
  }
  // Also when the client goes away before it is its turn: what was asked for is done.
  const bool taken = works_.TryRun([this, stream, message = *std::move(parsed)] {
    auto source = Submit(jobs_, message, WakeOf(stream));
    stream->Open(source.ok() ? *std::move(source) : MakeRefusedSource(jobs_, source.status()));
  });
  if (!taken) stream->Refuse(ToGrpc(TooBusy()));
  return stream.get();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* Service::GetStatus(
    grpc::CallbackServerContext* /*context*/, const grpc::ByteBuffer* request) {
  const auto stream = NewStream();
  auto parsed = Parse<pb::GetStatusRequest>(*request);
  if (!parsed.ok()) {
    stream->Refuse(ToGrpc(parsed.status()));
    return stream.get();
  }
  StatusWatch watch;
  watch.follow = parsed->follow();
  watch.journal_id = parsed->journal_id();
  if (parsed->has_after_sequence()) watch.after_sequence = parsed->after_sequence();
  reads_.Run([this, stream, watch = std::move(watch)] {
    auto source = MakeStatusSource(jobs_, watch, WakeOf(stream));
    if (source.ok()) {
      stream->Open(*std::move(source));
    } else {
      stream->Refuse(ToGrpc(source.status()));
    }
  });
  return stream.get();
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* Service::Answer(
    Executor& executor, grpc::CallbackServerContext* /*context*/, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response, std::function<absl::StatusOr<Response>(const Request&)> work) {
  const auto call = UnaryCall::Start(response);
  auto parsed = Parse<Request>(*request);
  if (!parsed.ok()) {
    call->Fail(ToGrpc(parsed.status()));
    return call.get();
  }
  auto run = [call, work = std::move(work), message = *std::move(parsed)] {
    const absl::StatusOr<Response> result = work(message);
    if (result.ok()) {
      call->Succeed(*result);
    } else {
      call->Fail(ToGrpc(result.status()));
    }
  };
  if (&executor == &reads_) {
    reads_.Run(std::move(run));
  } else if (!executor.TryRun(std::move(run))) {
    call->Fail(ToGrpc(TooBusy()));
  }
  return call.get();
}

grpc::ServerUnaryReactor* Service::PlanHost(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) {
  return Answer<pb::PlanHostRequest, pb::PlanHostResponse>(
      works_, context, request, response,
      [this](const pb::PlanHostRequest& message) -> absl::StatusOr<pb::PlanHostResponse> {
        TRIDENT_ASSIGN_OR_RETURN(const HostConfiguration configuration,
                                 ParseHostConfiguration(message.host_configuration()));
        TRIDENT_ASSIGN_OR_RETURN(const Plan plan, jobs_.PlanOnly(configuration, message.force()));
        return ToProto(plan);
      });
}

grpc::ServerUnaryReactor* Service::ValidateHostConfiguration(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return Answer<pb::ValidateHostConfigurationRequest, pb::ValidateHostConfigurationResponse>(
      works_, context, request, response,
      [](const pb::ValidateHostConfigurationRequest& message)
          -> absl::StatusOr<pb::ValidateHostConfigurationResponse> {
        pb::ValidateHostConfigurationResponse answer;
        const absl::Status status = ParseHostConfiguration(message.host_configuration()).status();
        answer.set_valid(status.ok());
        if (status.ok()) return answer;
        const ErrorDetail detail = GetErrorDetail(status);
        AddFindings(detail.findings, *answer.mutable_findings());
        if (answer.findings().empty()) {
          answer.add_findings()->set_reason(CleanUtf8(detail.message));
        }
        return answer;
      });
}

template <typename Request>
grpc::ServerUnaryReactor* Service::Pull(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response,
    absl::StatusOr<JobSummary> (JobManager::*lever)(const std::string&)) {
  return Answer<Request, pb::JobResponse>(
      works_, context, request, response,
      [this, lever](const Request& message) -> absl::StatusOr<pb::JobResponse> {
        TRIDENT_ASSIGN_OR_RETURN(const JobSummary job, (jobs_.*lever)(message.job_id()));
        pb::JobResponse answer;
        *answer.mutable_job() = ToProto(job);
        return answer;
      });
}

grpc::ServerUnaryReactor* Service::FinalizeHost(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return Pull<pb::FinalizeHostRequest>(context, request, response, &JobManager::Finalize);
}

grpc::ServerUnaryReactor* Service::CommitHost(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) {
  return Pull<pb::CommitHostRequest>(context, request, response, &JobManager::Commit);
}

grpc::ServerUnaryReactor* Service::RollbackHost(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return Pull<pb::RollbackHostRequest>(context, request, response, &JobManager::RollBack);
}

grpc::ServerUnaryReactor* Service::CancelJob(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) {
  return Pull<pb::CancelJobRequest>(context, request, response, &JobManager::Cancel);
}

grpc::ServerUnaryReactor* Service::ListJobs(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) {
  return Answer<pb::ListJobsRequest, pb::ListJobsResponse>(
      reads_, context, request, response,
      [this](const pb::ListJobsRequest& message) -> absl::StatusOr<pb::ListJobsResponse> {
        TRIDENT_ASSIGN_OR_RETURN(const auto jobs, jobs_.List(message.limit()));
        pb::ListJobsResponse answer;
        for (const JobSummary& job : jobs) *answer.add_jobs() = ToProto(job);
        return answer;
      });
}

grpc::ServerUnaryReactor* Service::GetHostConfiguration(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Answer<pb::GetHostConfigurationRequest, pb::GetHostConfigurationResponse>(
      reads_, context, request, response,
      [this](const pb::GetHostConfigurationRequest&)
          -> absl::StatusOr<pb::GetHostConfigurationResponse> {
        TRIDENT_ASSIGN_OR_RETURN(const auto recorded, jobs_.Configuration());
        pb::GetHostConfigurationResponse answer;
        answer.set_host_configuration(CleanUtf8(recorded.yaml));
        answer.set_configuration_digest(CleanUtf8(recorded.digest));
        return answer;
      });
}

grpc::ServerUnaryReactor* Service::GetVersion(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) {
  return Answer<pb::GetVersionRequest, pb::GetVersionResponse>(
      reads_, context, request, response,
      [this](const pb::GetVersionRequest&) -> absl::StatusOr<pb::GetVersionResponse> {
        pb::GetVersionResponse answer;
        answer.set_version(TRIDENT_VERSION);
        answer.set_store_schema_oldest(static_cast<uint32_t>(store_range_.oldest));
        answer.set_store_schema_newest(static_cast<uint32_t>(store_range_.newest));
        return answer;
      });
}

}  // namespace trident::api
