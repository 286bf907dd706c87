// A network that is as the test says.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_NETWORK_STATE_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_NETWORK_STATE_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/host/network_state.h"

namespace trident {

// Thread safe. At first: one IPv4 default route over eth0 whose gateway answers, no connections.
class FakeNetworkState : public NetworkState {
 public:
  absl::StatusOr<std::vector<DefaultRoute>> DefaultRoutes() override;
  absl::StatusOr<std::vector<InboundConnection>> InboundConnections() override;
  absl::StatusOr<bool> GatewayAnswered(const DefaultRoute& route,
                                       std::chrono::milliseconds within) override;

  void SetRoutes(std::vector<DefaultRoute> routes);
  void SetConnections(std::vector<InboundConnection> connections);
  // How long ago this gateway last answered.
  void SetGateway(const std::string& gateway, std::chrono::milliseconds answered);
  // Called by each DefaultRoutes, before it answers: time goes by, for example.
  void OnLook(std::function<void()> function);

 private:
  mutable std::mutex mutex_;
  std::vector<DefaultRoute> routes_{{AddressFamily::kIpv4, "eth0", "192.0.2.1"}};
  std::vector<InboundConnection> connections_;
  std::map<std::string, std::chrono::milliseconds> gateways_{
      {"192.0.2.1", std::chrono::milliseconds(0)}};
  std::function<void()> on_look_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_NETWORK_STATE_H_
