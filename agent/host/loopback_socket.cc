#include "agent/host/loopback_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr int kBacklog = 128;

absl::Status ListenError(int error_number, const std::string& address, uint16_t port) {
  const std::string attempt = absl::StrCat("cannot listen on ", address, ":", port);
  if (error_number == EADDRINUSE) {
    return MakeError(absl::StatusCode::kAlreadyExists, "environment", "port-in-use",
                     absl::StrCat(attempt, ": another process listens there"),
                     "Stop the other process, or set another grpc.listenPort.");
  }
  return ErrnoError(error_number, "environment", "listen", attempt);
}

// A listening socket, or minus errno.
int Listen(int family, const sockaddr* address, socklen_t size) {
  const int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  const int on = 1;
  // Connections inherit TCP_NODELAY. Restarts must not wait for old connections in TIME_WAIT.
  if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
      (family == AF_INET6 &&
       setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
      bind(descriptor, address, size) != 0 || listen(descriptor, kBacklog) != 0) {
    const int error_number = errno;
    close(descriptor);
    return -error_number;
  }
  return descriptor;
}

}  // namespace

absl::StatusOr<LoopbackSockets> ListenOnLoopback(uint16_t port) {
  LoopbackSockets sockets;
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int descriptor = Listen(AF_INET, reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
  if (descriptor < 0) return ListenError(-descriptor, "127.0.0.1", port);
  socklen_t size = sizeof(v4);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&v4), &size) != 0) {
    const int error_number = errno;
    close(descriptor);
    return ListenError(error_number, "127.0.0.1", port);
  }
  sockets.descriptors.push_back(descriptor);
  sockets.port = ntohs(v4.sin_port);

  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_addr = in6addr_loopback;
  const int second = Listen(AF_INET6, reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
  if (second >= 0) {
    sockets.descriptors.push_back(second);
  } else if (second == -EADDRINUSE && port != 0) {
    close(descriptor);
    return ListenError(EADDRINUSE, "[::1]", port);
  }
  // Otherwise the machine has no IPv6, or a port that was picked by chance is taken there.
  return sockets;
}

}  // namespace trident
