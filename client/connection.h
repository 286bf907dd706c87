// The way to the agent.
#ifndef TRIDENT_CLIENT_CONNECTION_H_
#define TRIDENT_CLIENT_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/trident.grpc.pb.h"

namespace trident::client {

namespace pb = ::trident_proto;

inline constexpr char kDefaultServer[] = "unix:/run/trident/trident.sock";

// Calls are answered from memory or the store.
inline constexpr std::chrono::seconds kQuickCall{60};
// Calls that make the agent ask servers on the network, or read megabytes of YAML.
inline constexpr std::chrono::minutes kLongCall{10};

// unix:PATH or HOST:PORT as gRPC wants it. INVALID_ARGUMENT when it is neither.
absl::StatusOr<std::string> ParseServer(const std::string& text);

// One connection. It pings, so that a host that died is noticed within half a minute.
class Connection {
 public:
  // Does not connect yet.
  explicit Connection(const std::string& target);

  // Waits until the agent is reachable, at most so long. A call then tells why it is not.
  void Await(std::chrono::milliseconds limit);
  pb::HostManagement::Stub& stub() { return *stub_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pb::HostManagement::Stub> stub_;
};

// Makes one unary call: Call(connection, &Stub::PlanHost, request, response, kLongCall).
template <typename Request, typename Response>
grpc::Status Call(Connection& connection,
                  grpc::Status (pb::HostManagement::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                  const Request& request, Response& response, std::chrono::seconds limit) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + limit);
  return (connection.stub().*method)(&context, request, &response);
}

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_CONNECTION_H_
