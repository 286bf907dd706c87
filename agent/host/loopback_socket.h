// Listening TCP sockets that only this machine can reach.
#ifndef TRIDENT_AGENT_HOST_LOOPBACK_SOCKET_H_
#define TRIDENT_AGENT_HOST_LOOPBACK_SOCKET_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace trident {

struct LoopbackSockets {
  std::vector<int> descriptors;  // listening, not blocking; the caller closes them
  uint16_t port = 0;
};

// Listens on 127.0.0.1 and, where the machine has it, on ::1, both with the same port. `port` 0:
// any free one. ALREADY_EXISTS when the port is taken; error kind "environment".
absl::StatusOr<LoopbackSockets> ListenOnLoopback(uint16_t port);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_LOOPBACK_SOCKET_H_
