#include "agent/daemon_client.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/api/from_grpc.h"
#include "common/base/error.h"
#include "proto/trident.grpc.pb.h"

namespace trident {
namespace {

// Socket activation answers connect(2) before the agent is up.
namespace pb = ::trident_proto;

constexpr auto kConnectLimit = std::chrono::seconds(60);

// States in which a job decides by itself what becomes of it.
bool IsSettling(pb::JobState state) {
  return state == pb::JOB_STATE_REBOOTING || state == pb::JOB_STATE_VERIFYING ||
         state == pb::JOB_STATE_ROLLING_BACK;
}

void LogEvent(const pb::HostStatusState& message) {
  if (message.has_log()) {
    const std::string& level = message.log().level();
    if (level == "error") {
      spdlog::error("{}", message.log().message());
    } else if (level == "warn") {
      spdlog::warn("{}", message.log().message());
    } else {
      spdlog::info("{}", message.log().message());
    }
  }
  // Progress and log records carry the running step along.
  const bool is_about_step = message.has_step() && !message.has_progress() && !message.has_log();
  if (is_about_step && message.step().state() == pb::StepState::STATE_STARTED) {
    spdlog::info("step {}/{}: {}", message.step().index(), message.step().count(),
                 message.step().description());
  }
}

class GrpcDaemonClient : public DaemonClient {
 public:
  explicit GrpcDaemonClient(std::shared_ptr<grpc::Channel> channel)
      : stub_(pb::HostManagement::NewStub(std::move(channel))) {}

  absl::StatusOr<std::string> Status() override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    const auto reader = stub_->GetStatus(&context, pb::GetStatusRequest());
    pb::HostStatusState message;
    const bool got = reader->Read(&message);
    context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!got) return api::FromGrpc(status);
    return message.status();
  }

  absl::Status Run(const std::string& host_configuration) override {
    TRIDENT_RETURN_IF_ERROR(WaitForSettledJob());
    if (host_configuration.empty()) return absl::OkStatus();
    // Looking first: a host that is as configured needs no job and no record of one.
    TRIDENT_ASSIGN_OR_RETURN(const bool needed, IsServicingNeeded(host_configuration));
    if (!needed) {
      spdlog::info("the host is as configured, nothing to do");
      return absl::OkStatus();
    }
    pb::HostUpdateRequest request;
    request.set_host_configuration(host_configuration);
    request.set_allowed_operations("update | transition");
    const auto context = NewCall();
    const auto reader = stub_->UpdateHost(context.get(), request);
    pb::HostStatusState message;
    while (reader->Read(&message)) {
      LogEvent(message);
      // The first message, and that of a refusal, are no events of a job.
      job_seen_ = job_seen_ || message.sequence() != 0;
      if (message.has_outcome()) {
        spdlog::info("{}: {}", message.outcome().result(), message.outcome().message());
      }
    }
    return EndOf(reader->Finish());
  }

  bool job_seen() const override { return job_seen_; }

  void Interrupt() override {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    if (const auto call = call_.lock()) call->TryCancel();
  }

 private:
  // The context of the next call, which Interrupt cancels.
  std::shared_ptr<grpc::ClientContext> NewCall() {
    auto context = std::make_shared<grpc::ClientContext>();
    const std::lock_guard lock(mutex_);
    call_ = context;
    if (interrupted_) context->TryCancel();
    return context;
  }

  absl::Status EndOf(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (interrupted_) return absl::CancelledError("asked to stop; the job goes on in the agent");
    return api::FromGrpc(status);
  }

  absl::StatusOr<bool> IsServicingNeeded(const std::string& host_configuration) {
    pb::PlanHostRequest request;
    request.set_host_configuration(host_configuration);
    pb::PlanHostResponse response;
    const auto context = NewCall();
    TRIDENT_RETURN_IF_ERROR(EndOf(stub_->PlanHost(context.get(), request, &response)));
    if (response.servicing_kind() == "none") return false;
    for (const std::string& warning : response.warnings()) spdlog::warn("{}", warning);
    return true;
  }

  // After a boot the agent finds out which volume runs; a submission would be refused meanwhile.
  absl::Status WaitForSettledJob() {
    pb::GetStatusRequest request;
    request.set_follow(true);
    const auto context = NewCall();
    const auto reader = stub_->GetStatus(context.get(), request);
    pb::HostStatusState message;
    bool settled = false;
    while (!settled && reader->Read(&message)) {
      LogEvent(message);
      settled = !message.has_job() || !IsSettling(message.job().state());
    }
    // Enough was heard; the stream would go on.
    context->TryCancel();
    const absl::Status end = EndOf(reader->Finish());
    return settled ? absl::OkStatus() : end;
  }

  std::unique_ptr<pb::HostManagement::Stub> stub_;
  std::mutex mutex_;
  bool interrupted_ = false;
  bool job_seen_ = false;
  std::weak_ptr<grpc::ClientContext> call_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DaemonClient>> ConnectToDaemon(const std::string& socket_path) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  std::shared_ptr<grpc::Channel> channel = grpc::CreateCustomChannel(
      absl::StrCat("unix:", socket_path), grpc::InsecureChannelCredentials(), arguments);
  const auto limit = std::chrono::system_clock::now() + kConnectLimit;
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  // The first failure counts: a socket that nobody serves refuses at once.
  while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE &&
         channel->WaitForStateChange(state, limit)) {
    state = channel->GetState(/*try_to_connect=*/true);
  }
  if (state != GRPC_CHANNEL_READY) {
    return MakeError(absl::StatusCode::kUnavailable, "environment", "no-agent",
                     absl::StrCat("no agent answers at ", socket_path), "");
  }
  return std::make_unique<GrpcDaemonClient>(std::move(channel));
}

}  // namespace trident
