// The agent at work in this process: store, servicing, jobs and server, wired to the real machine.
#ifndef TRIDENT_AGENT_AGENT_PROCESS_H_
#define TRIDENT_AGENT_AGENT_PROCESS_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "agent/agent_options.h"

namespace trident {

class AgentProcess {
 public:
  virtual ~AgentProcess() = default;

  // Ends streams, then work, then closes the store. Idempotent; the destructor does it too.
  virtual void Shutdown() = 0;
};

// Opens the store (one agent per store), picks up the active job and serves. `inherited_socket`: a
// listening socket to serve instead of making one at options.socket_path.
absl::StatusOr<std::unique_ptr<AgentProcess>> StartAgentProcess(
    const AgentOptions& options, const AgentConfiguration& configuration,
    std::optional<int> inherited_socket);

}  // namespace trident

#endif  // TRIDENT_AGENT_AGENT_PROCESS_H_
