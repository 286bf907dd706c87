#include "agent/network/provisioning.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/network/netplan.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr char kNetworkdFolder[] = "/etc/systemd/network";
constexpr char kWaitOnline[] = "systemd-networkd-wait-online.service";

// Files, and folders of drop-ins with theirs.
absl::Status EmptyFolder(Files& files, const std::string& folder) {
  if (!files.IsDirectory(folder)) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(folder, "/", name);
    // A link to a folder is removed itself.
    if (!files.ReadLink(path).ok()) TRIDENT_RETURN_IF_ERROR(EmptyFolder(files, path));
    TRIDENT_RETURN_IF_ERROR(files.Remove(path));
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<YamlValue> ChooseProvisioningNetwork(const AgentConfiguration& agent,
                                                   const HostConfiguration& host) {
  if (agent.network_override) return agent.network_override;
  if (host.network_provision) return host.network_provision;
  return host.network;
}

absl::Status StartProvisioningNetwork(Files& files, CommandRunner& commands,
                                      const YamlValue& network, bool wait) {
  if (!HasNetplan(files, "/")) return NoNetplan("this system");
  TRIDENT_RETURN_IF_ERROR(WriteNetplan(files, "/", network));
  if (wait) {
    TRIDENT_RETURN_IF_ERROR(
        Annotate(EmptyFolder(files, kNetworkdFolder), absl::StrCat("empty ", kNetworkdFolder)));
  }
  TRIDENT_RETURN_IF_ERROR(ApplyNetplan(commands, nullptr));
  if (!wait) return absl::OkStatus();
  Command start;
  start.argv = {"systemctl", "start", kWaitOnline, "--no-block"};
  return Annotate(commands.RunChecked(start).status(), "wait for the network");
}

}  // namespace trident
