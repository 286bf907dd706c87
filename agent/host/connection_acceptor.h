// Accepts connections on listening sockets and hands them on.
#ifndef TRIDENT_AGENT_HOST_CONNECTION_ACCEPTOR_H_
#define TRIDENT_AGENT_HOST_CONNECTION_ACCEPTOR_H_

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

// One thread for all sockets; it sleeps until someone connects.
class ConnectionAcceptor {
 public:
  struct Listener {
    int descriptor = -1;  // listening, not blocking; must stay open until Stop
    // Peers must be root or the user of this process; others are closed and logged. For unix
    // sockets only.
    bool check_peer = false;
    // Takes over the connected, not blocking descriptor. Called from the acceptor's thread.
    std::function<void(int descriptor)> accepted;
  };

  static absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> Start(std::vector<Listener> listeners);
  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  // Returns when no connection is handed on any more. May be called again.
  void Stop();

 private:
  ConnectionAcceptor(std::vector<Listener> listeners, int stop_event);
  void Loop();

  const std::vector<Listener> listeners_;
  const int stop_event_;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_CONNECTION_ACCEPTOR_H_
