#include "agent/daemon_client.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <chrono>
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
  if (message.has_step() && message.step().state() == pb::StepState::STATE_STARTED) {
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

  absl::Status Run(const std::string& host_configuration, const Cancellation& stop) override {
    TRIDENT_RETURN_IF_ERROR(WaitForSettledJob(stop));
    if (host_configuration.empty()) return absl::OkStatus();
    pb::HostUpdateRequest request;
    request.set_host_configuration(host_configuration);
    // Looking first: a host that is as configured needs no job and no record of one.
    TRIDENT_ASSIGN_OR_RETURN(const bool needed, IsServicingNeeded(host_configuration));
    if (!needed) {
      spdlog::info("the host is as configured, nothing to do");
      return absl::OkStatus();
    }
    request.set_allowed_operations("update | transition");
    grpc::ClientContext context;
    const auto reader = stub_->UpdateHost(&context, request);
    pb::HostStatusState message;
    while (reader->Read(&message)) {
      if (stop.cancelled()) {
        context.TryCancel();
        break;
      }
      LogEvent(message);
      if (message.has_outcome()) {
        spdlog::info("{}: {}", message.outcome().result(), message.outcome().message());
      }
    }
    const grpc::Status status = reader->Finish();
    if (stop.cancelled())
      return absl::CancelledError("asked to stop; the job goes on in the agent");
    return api::FromGrpc(status);
  }

 private:
  absl::StatusOr<bool> IsServicingNeeded(const std::string& host_configuration) {
    pb::PlanHostRequest request;
    request.set_host_configuration(host_configuration);
    pb::PlanHostResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub_->PlanHost(&context, request, &response);
    if (!status.ok()) return api::FromGrpc(status);
    return response.servicing_kind() != "none";
  }

  // After a boot the agent finds out which volume runs; a submission would be refused meanwhile.
  absl::Status WaitForSettledJob(const Cancellation& stop) {
    pb::GetStatusRequest request;
    request.set_follow(true);
    grpc::ClientContext context;
    const auto reader = stub_->GetStatus(&context, request);
    pb::HostStatusState message;
    bool settled = false;
    while (!settled && !stop.cancelled() && reader->Read(&message)) {
      LogEvent(message);
      settled = !message.has_job() || !IsSettling(message.job().state());
    }
    context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (stop.cancelled()) return absl::CancelledError("asked to stop");
    return settled ? absl::OkStatus() : api::FromGrpc(status);
  }

  std::unique_ptr<pb::HostManagement::Stub> stub_;
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
