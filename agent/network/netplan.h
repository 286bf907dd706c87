// The document that netplan reads.
#ifndef TRIDENT_AGENT_NETWORK_NETPLAN_H_
#define TRIDENT_AGENT_NETWORK_NETPLAN_H_

#include <string>

#include "absl/status/status.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "common/base/yaml_value.h"

namespace trident {

// Last by its name, so that it counts where an image's own files say something else.
inline constexpr char kNetplanPath[] = "/etc/netplan/99-trident.yaml";
inline constexpr char kNetplanProgram[] = "/usr/sbin/netplan";

// `network` is the content of the document's `network:` mapping.
std::string FormatNetplan(const YamlValue& network);

// Is netplan installed in the root at `root` ("/": the running system)?
bool HasNetplan(const Files& files, const std::string& root);

// The refusal for a root without it; `where` names the root: "the new system".
absl::Status NoNetplan(const std::string& where);

// Writes the document to kNetplanPath below `root`, mode 0600: it may hold passwords, and netplan
// complains of anything else.
absl::Status WriteNetplan(Files& files, const std::string& root, const YamlValue& network);

// Lets the netplan of the new root at `root` read all of its documents (`netplan generate` in a
// chroot, whose /run is not kept). FAILED_PRECONDITION, with what netplan said, when it does not
// take them.
absl::Status CheckNetplan(const Files& files, CommandRunner& commands, const std::string& root);

// Makes the running system's network what its documents say.
absl::Status ApplyNetplan(CommandRunner& commands, const Cancellation* cancellation);

}  // namespace trident

#endif  // TRIDENT_AGENT_NETWORK_NETPLAN_H_
