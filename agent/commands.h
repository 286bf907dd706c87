// The agent's subcommands. Each returns OK or why it failed; agent_program.cc makes exit codes of
// it.
#ifndef TRIDENT_AGENT_COMMANDS_H_
#define TRIDENT_AGENT_COMMANDS_H_

#include <string>

#include "absl/status/status.h"
#include "agent/agent_options.h"

namespace trident {

// The daemon: serves until it is asked to end.
absl::Status ServeCommand(const AgentOptions& options);

// Brings the host to the configured document: through an agent that serves already, else in this
// process, which stays up when the configuration has `grpc`. Writes the Host Status to
// options.status_path at the end, also after a failure.
absl::Status RunCommand(const AgentOptions& options);

// Writes and applies the network of a provisioning OS. Without one, or with a kickstart source,
// there is nothing to do.
absl::Status StartNetworkCommand(const AgentOptions& options);

// Prints the Host Status, or writes it to options.status_path.
absl::Status GetCommand(const AgentOptions& options);

// Prints the Host Configuration that a kickstart means; changes nothing and runs none of its
// scripts. `dangerous_options`: passwords are translated.
absl::Status ParseKickstartCommand(const std::string& file, bool dangerous_options);

}  // namespace trident

#endif  // TRIDENT_AGENT_COMMANDS_H_
