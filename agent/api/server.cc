#include "agent/api/server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/api/service.h"
#include "agent/host/connection_acceptor.h"
#include "agent/host/loopback_socket.h"
#include "agent/host/unix_socket.h"
#include "common/base/error.h"
#include "common/base/logging.h"

namespace trident {
namespace {

constexpr int kRequestLimit = 4 << 20;
// Our own client pings every 10 s; a little less is tolerated, as timers are not exact.
constexpr int kShortestPingMilliseconds = 9'000;
constexpr int kKeepaliveMilliseconds = 30'000;
constexpr int kKeepaliveTimeoutMilliseconds = 20'000;
// Only server reflection has a thread per call.
constexpr int kThreadLimit = 64;
constexpr std::chrono::seconds kDrainLimit{2};

// Descriptors that are closed together.
class Descriptors {
 public:
  explicit Descriptors(std::vector<int> values) : values_(std::move(values)) {}
  ~Descriptors() {
    for (const int value : values_) close(value);
  }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  const std::vector<int>& values() const { return values_; }

 private:
  const std::vector<int> values_;
};

// Members are destroyed from the last to the first: no connection comes in before gRPC is gone, and
// the service's threads end after it.
class GrpcServer final : public Server {
 public:
  GrpcServer(JobManager& jobs, StoreRange range) : service_(jobs, range) {}
  ~GrpcServer() override { Shutdown(); }

  absl::Status Start(const ServerOptions& options) {
    if (options.inherited_socket) {
      TRIDENT_ASSIGN_OR_RETURN(socket_, UnixSocket::Adopt(*options.inherited_socket));
    } else if (!options.socket_path.empty()) {
      TRIDENT_ASSIGN_OR_RETURN(socket_, UnixSocket::Listen(options.socket_path));
    }
    if (options.insecure_loopback_port) {
      TRIDENT_ASSIGN_OR_RETURN(LoopbackSockets sockets,
                               ListenOnLoopback(*options.insecure_loopback_port));
      loopback_ = std::make_unique<Descriptors>(std::move(sockets.descriptors));
      port_ = sockets.port;
    }
    if (socket_ == nullptr && loopback_ == nullptr) {
      return MakeError(absl::StatusCode::kInvalidArgument, "environment", "listen",
                       "the API has nowhere to listen: neither a unix socket nor a port was given");
    }

    grpc::EnableDefaultHealthCheckService(true);
    // Protobuf would write a line of its own to stderr for each request that is not UTF-8; who sent
    // it is told, in the answer.
    google::protobuf::SetLogHandler(nullptr);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    builder.SetMaxReceiveMessageSize(kRequestLimit);
    builder.SetResourceQuota(grpc::ResourceQuota("trident").SetMaxThreads(kThreadLimit));
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               kShortestPingMilliseconds);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    connections_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        grpc::InsecureServerCredentials());
    grpc_ = builder.BuildAndStart();
    if (grpc_ == nullptr) {
      return MakeError(absl::StatusCode::kInternal, "environment", "grpc",
                       "cannot start the gRPC server (its reason is in the log)");
    }

    // Only now: gRPC drops connections that it is handed before it has started.
    std::vector<ConnectionAcceptor::Listener> listeners;
    if (socket_ != nullptr) {
      listeners.push_back({.descriptor = socket_->descriptor(),
                           .check_peer = true,
                           .accepted = [this](int connection) { HandOn(connection); }});
    }
    if (loopback_ != nullptr) {
      for (const int descriptor : loopback_->values()) {
        listeners.push_back({.descriptor = descriptor,
                             .check_peer = false,
                             .accepted = [this](int connection) { HandOn(connection); }});
      }
    }
    TRIDENT_ASSIGN_OR_RETURN(acceptor_, ConnectionAcceptor::Start(std::move(listeners)));
    return absl::OkStatus();
  }

  uint16_t port() const override { return port_; }

  void Shutdown() override {
    const std::lock_guard lock(mutex_);
    if (grpc_ == nullptr) return;
    // First the door, so that gRPC is handed nothing that it would not close, then the streams.
    if (acceptor_ != nullptr) acceptor_->Stop();
    service_.Drain();
    grpc_->Shutdown(std::chrono::system_clock::now() + kDrainLimit);
    grpc_->Wait();
    grpc_.reset();
    socket_.reset();
    loopback_.reset();
  }

 private:
  void HandOn(int connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.fd = connection;
    connections_->HandleNewConnection(&parameters);
  }

  api::Service service_;
  std::unique_ptr<UnixSocket> socket_;
  std::unique_ptr<Descriptors> loopback_;
  uint16_t port_ = 0;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<ConnectionAcceptor> acceptor_;
  std::mutex mutex_;  // of Shutdown
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> StartServer(JobManager& jobs, ServerOptions options) {
  auto server = std::make_unique<GrpcServer>(jobs, options.store_range);
  TRIDENT_RETURN_IF_ERROR(server->Start(options));
  return server;
}

}  // namespace trident
