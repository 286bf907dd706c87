#include "agent/host/fake/fake_network_state.h"

#include <utility>

namespace trident {

absl::StatusOr<std::vector<DefaultRoute>> FakeNetworkState::DefaultRoutes() {
  std::function<void()> function;
  {
    const std::lock_guard lock(mutex_);
    function = on_look_;
  }
  if (function) function();
  const std::lock_guard lock(mutex_);
  return routes_;
}

absl::StatusOr<std::vector<InboundConnection>> FakeNetworkState::InboundConnections() {
  const std::lock_guard lock(mutex_);
  return connections_;
}

absl::StatusOr<bool> FakeNetworkState::GatewayAnswered(const DefaultRoute& route,
                                                       std::chrono::milliseconds within) {
  if (route.gateway.empty()) return true;
  const std::lock_guard lock(mutex_);
  const auto found = gateways_.find(route.gateway);
  return found != gateways_.end() && found->second < within;
}

void FakeNetworkState::SetRoutes(std::vector<DefaultRoute> routes) {
  const std::lock_guard lock(mutex_);
  routes_ = std::move(routes);
}

void FakeNetworkState::SetConnections(std::vector<InboundConnection> connections) {
  const std::lock_guard lock(mutex_);
  connections_ = std::move(connections);
}

void FakeNetworkState::SetGateway(const std::string& gateway, std::chrono::milliseconds answered) {
  const std::lock_guard lock(mutex_);
  gateways_[gateway] = answered;
}

void FakeNetworkState::OnLook(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  on_look_ = std::move(function);
}

}  // namespace trident
