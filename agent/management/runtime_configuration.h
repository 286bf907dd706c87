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

// What the running agent's configuration says and the Host Configuration does not: the agent of the
// installed system goes on with it.
struct HandedOn {
  std::optional<std::string> phonehome = {};  // unless the document names one
  std::optional<std::string> logstream = {};
  std::optional<MetricsConfiguration> metrics = {};
  uint32_t network_confirm_seconds = kDefaultNetworkConfirmSeconds;
  std::optional<std::string> registry_credentials = {};
  std::optional<std::string> manifest_keyring = {};
  bool dangerous_options = false;
};

// What an agent with this configuration hands on. An address for phonehome that its document names
// is the document's: it goes when the document stops to name it.
HandedOn HandedOnBy(const AgentConfiguration& configuration);

// What `management` of the Host Configuration asks for, and what is handed on.
AgentConfiguration MakeRuntimeConfiguration(const HostConfiguration& configuration,
                                            const HandedOn& handed_on);

// Copies the files that are handed on to the same paths below `root`, private. A file that the
// image brings along stays as it is: it may be newer. One that is not here is left out; what needs
// it will say so.
absl::Status CopyHandedOnFiles(Files& files, const std::string& root, const HandedOn& handed_on);

// Writes it to <root>/etc/trident/config.yaml, mode 0600 (the document may hold secrets), making
// the folder. `root` is the mount point of a new root or "/".
absl::Status WriteRuntimeConfiguration(Files& files, const std::string& root,
                                       const AgentConfiguration& configuration);

}  // namespace trident

#endif  // TRIDENT_AGENT_MANAGEMENT_RUNTIME_CONFIGURATION_H_
