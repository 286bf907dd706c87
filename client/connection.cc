#include "client/connection.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident::client {
namespace {

constexpr int kKeepaliveMilliseconds = 10'000;
constexpr int kKeepaliveTimeoutMilliseconds = 20'000;
constexpr int kAnswerLimit = 64 << 20;

}  // namespace

absl::StatusOr<std::string> ParseServer(const std::string& text) {
  if (absl::StartsWith(text, "unix:")) {
    std::string path = text.substr(5);
    // unix:///run/x is the same as unix:/run/x.
    if (absl::StartsWith(path, "///")) path = path.substr(2);
    if (!path.empty()) return "unix:" + std::filesystem::absolute(path).string();
  } else {
    const size_t colon = text.rfind(':');
    uint32_t port = 0;
    if (colon != std::string::npos && colon > 0 &&
        absl::SimpleAtoi(text.substr(colon + 1), &port) && port > 0 && port <= 65535) {
      const std::string host = text.substr(0, colon);
      // Else the port of an IPv6 address could be a part of it.
      const bool bracketed = host.front() == '[' && host.back() == ']';
      if (bracketed || (!absl::StrContains(host, ":") && !absl::StrContains(host, "/"))) {
        return "dns:" + text;
      }
    }
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "server",
                   absl::StrCat("'", text, "' names no agent"),
                   "Use unix:PATH or HOST:PORT, such as unix:/run/trident/trident.sock, "
                   "127.0.0.1:50051 or [::1]:50051.");
}

Connection::Connection(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // A new object is a new connection, with nothing of an old one's back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kAnswerLimit);
  channel_ = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  stub_ = pb::HostManagement::NewStub(channel_);
}

void Connection::Await(std::chrono::milliseconds limit) {
  if (limit.count() > 0) channel_->WaitForConnected(std::chrono::system_clock::now() + limit);
}

}  // namespace trident::client
