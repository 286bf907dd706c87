#include "tests/agent/imaging/cutting_proxy.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <limits>

namespace trident::test {

CuttingProxy::CuttingProxy(uint16_t server_port, std::vector<size_t> cuts)
    : server_port_(server_port),
      cuts_(std::move(cuts)),
      listener_(Listen(&port_)),
      thread_([this] { Run(); }) {}

CuttingProxy::~CuttingProxy() {
  stop_.Set();
  thread_.join();
}

void CuttingProxy::Run() {
  while (stop_.WaitReadable(listener_)) {
    const Socket client(accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) continue;
    const size_t number = connections_++;
    Forward(client, number < cuts_.size() ? cuts_[number] : std::numeric_limits<size_t>::max());
  }
}

void CuttingProxy::Forward(const Socket& client, size_t limit) {
  const Socket server = Connect(server_port_);
  std::array<char, 16384> piece{};
  while (limit > 0) {
    pollfd polled[] = {{client.descriptor(), POLLIN, 0}, {server.descriptor(), POLLIN, 0}};
    poll(polled, 2, -1);
    if (polled[0].revents != 0) {
      const size_t bytes = Receive(client, piece.data(), piece.size());
      if (bytes == 0 || !SendAll(server, {piece.data(), bytes})) return;
    }
    if (polled[1].revents != 0) {
      const size_t bytes = Receive(server, piece.data(), std::min(limit, piece.size()));
      if (bytes == 0 || !SendAll(client, {piece.data(), bytes})) return;
      limit -= bytes;
    }
  }
}

}  // namespace trident::test
