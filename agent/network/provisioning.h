// The network of a provisioning OS: `tridentd start-network`.
#ifndef TRIDENT_AGENT_NETWORK_PROVISIONING_H_
#define TRIDENT_AGENT_NETWORK_PROVISIONING_H_

#include <optional>

#include "absl/status/status.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "common/config/agent_configuration.h"
#include "common/config/host_configuration.h"

namespace trident {

// networkOverride of the agent's configuration, else networkProvision of the Host Configuration,
// else its network. No value: nobody says anything.
std::optional<YamlValue> ChooseProvisioningNetwork(const AgentConfiguration& agent,
                                                   const HostConfiguration& host);

// Writes the document and applies it to the running system. With `wait`,
// systemd-networkd-wait-online is started, which network-online.target waits for; the files in
// /etc/systemd/network are removed before, so that it waits for these interfaces only.
absl::Status StartProvisioningNetwork(Files& files, CommandRunner& commands,
                                      const YamlValue& network, bool wait);

}  // namespace trident

#endif  // TRIDENT_AGENT_NETWORK_PROVISIONING_H_
