// The agent's own configuration on the installed host, /etc/trident/config.yaml there.
#ifndef TRIDENT_AGENT_MANAGEMENT_RUNTIME_CONFIGURATION_H_
#define TRIDENT_AGENT_MANAGEMENT_RUNTIME_CONFIGURATION_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "agent/host/files.h"
#include "common/config/agent_configuration.h"
#include "common/config/host_configuration.h"

namespace trident {

// What `management` of the Host Configuration asks for. `phonehome` of the running agent is handed
// on when the document names none.
AgentConfiguration MakeRuntimeConfiguration(const HostConfiguration& configuration,
                                            const std::optional<std::string>& phonehome);

// Writes it to <root>/etc/trident/config.yaml, mode 0600 (the document may hold secrets), making
// the folder. `root` is the mount point of a new root or "/".
absl::Status WriteRuntimeConfiguration(Files& files, const std::string& root,
                                       const AgentConfiguration& configuration);

}  // namespace trident

#endif  // TRIDENT_AGENT_MANAGEMENT_RUNTIME_CONFIGURATION_H_
