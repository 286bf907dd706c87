// Whether this host can be reached from others, as its kernel knows it.
#ifndef TRIDENT_AGENT_HOST_NETWORK_STATE_H_
#define TRIDENT_AGENT_HOST_NETWORK_STATE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace trident {

enum class AddressFamily { kIpv4, kIpv6 };

struct DefaultRoute {
  AddressFamily family = AddressFamily::kIpv4;
  std::string interface;
  std::string gateway;  // address; empty: there is none (a point-to-point link)

  bool operator==(const DefaultRoute&) const = default;
};

// An established TCP connection that another host opened to this one.
struct InboundConnection {
  std::string local;  // address and port
  std::string peer;
  // Since anything was heard of the peer, an acknowledgement included.
  std::chrono::milliseconds silence{};
  // What was sent is being sent again: the peer does not acknowledge it.
  bool stuck = false;
};

// Errors have kind "network". Thread safe.
class NetworkState {
 public:
  virtual ~NetworkState() = default;

  // Of the main table, over interfaces whose link is up.
  virtual absl::StatusOr<std::vector<DefaultRoute>> DefaultRoutes() = 0;

  virtual absl::StatusOr<std::vector<InboundConnection>> InboundConnections() = 0;

  // Has the route's gateway answered on its link (ARP, neighbour discovery) within the time
  // `within`? When it has not, it is asked; a later call sees the answer. A route without gateway
  // counts as answered.
  virtual absl::StatusOr<bool> GatewayAnswered(const DefaultRoute& route,
                                               std::chrono::milliseconds within) = 0;
};

std::unique_ptr<NetworkState> MakeLinuxNetworkState();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_NETWORK_STATE_H_
