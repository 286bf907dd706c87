// What the command line of the agent says.
#ifndef TRIDENT_AGENT_AGENT_OPTIONS_H_
#define TRIDENT_AGENT_AGENT_OPTIONS_H_

#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "agent/datastore/schema.h"
#include "common/config/agent_configuration.h"

namespace trident {

struct AgentOptions {
  std::string config_path = kDefaultAgentConfigurationPath;
  // A missing file is an error only when it was named.
  bool config_named = false;
  std::string socket_path = kDefaultSocketPath;
  std::string datastore_path;  // empty: as the configuration says
  std::optional<std::string> status_path;
  std::span<const Migration> migrations;
};

// Reads the agent's configuration. A default path without a file gives the defaults.
absl::StatusOr<AgentConfiguration> LoadAgentConfiguration(const AgentOptions& options);

// The store that this agent works on: the option, the configuration's `datastore`, or the
// temporary one of a provisioning OS.
std::string StorePathOf(const AgentOptions& options, const AgentConfiguration& configuration);

// "unix:/path" or "/path" -> "/path". INVALID_ARGUMENT for anything else.
absl::StatusOr<std::string> SocketPathOf(const std::string& listen);

}  // namespace trident

#endif  // TRIDENT_AGENT_AGENT_OPTIONS_H_
