// The gRPC server: the unix socket and, when asked for, plaintext TCP on loopback.
#ifndef TRIDENT_AGENT_API_SERVER_H_
#define TRIDENT_AGENT_API_SERVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/jobs/job_manager.h"

namespace trident {

struct ServerOptions {
  // Path of the socket to create (mode 0600, folder made when missing), unless a descriptor is
  // given.
  std::string socket_path;
  // A listening unix socket that was inherited (systemd socket activation); taken over.
  std::optional<int> inherited_socket;
  // Plaintext TCP on 127.0.0.1 and ::1 (when there is one). 0: any free port (see port()).
  std::optional<uint16_t> insecure_loopback_port;
  StoreRange store_range;  // for GetVersion
};

// Serves from construction to Shutdown.
class Server {
 public:
  virtual ~Server() = default;
  // Bound TCP port, 0 when there is none.
  virtual uint16_t port() const = 0;
  // No new calls; streams get what is waiting for them, then end; returns within a few seconds.
  virtual void Shutdown() = 0;
};

absl::StatusOr<std::unique_ptr<Server>> StartServer(JobManager& jobs, ServerOptions options);

}  // namespace trident

#endif  // TRIDENT_AGENT_API_SERVER_H_
