#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/commands.h"
#include "agent/early_report.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/network/provisioning.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident {
namespace {

// The Host Configuration that is configured, but for a kickstart; without one: an empty one.
absl::StatusOr<HostConfiguration> ConfiguredHost(const AgentConfiguration& configuration,
                                                 const Files& files) {
  if (configuration.host_configuration) return *configuration.host_configuration;
  if (!configuration.host_configuration_file) return HostConfiguration{};
  const std::string& path = *configuration.host_configuration_file;
  const absl::StatusOr<std::string> text = files.Read(path);
  TRIDENT_RETURN_IF_ERROR(
      Annotate(text.status(), absl::StrCat("read the Host Configuration ", path)));
  absl::StatusOr<HostConfiguration> host = ParseHostConfiguration(*text);
  TRIDENT_RETURN_IF_ERROR(Annotate(host.status(), path));
  return host;
}

}  // namespace

absl::Status StartNetworkCommand(const AgentOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(const AgentConfiguration configuration, LoadAndReport(options));
  const std::unique_ptr<Files> files = MakeLinuxFiles();
  HostConfiguration host;
  if (configuration.kickstart || configuration.kickstart_file) {
    spdlog::warn(
        "start-network: the Host Configuration comes from a kickstart file, whose network is not "
        "used for the provisioning OS; only networkOverride is");
  } else if (!configuration.network_override) {
    TRIDENT_ASSIGN_OR_RETURN(host, ConfiguredHost(configuration, *files));
  }
  // On an installed host, where this is not meant to run, the network of the installation is over.
  if (configuration.datastore) host.network_provision.reset();
  const std::optional<YamlValue> network = ChooseProvisioningNetwork(configuration, host);
  if (!network) {
    spdlog::info("start-network: no network is configured, nothing to do");
    return absl::OkStatus();
  }
  const std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  TRIDENT_RETURN_IF_ERROR(StartProvisioningNetwork(*files, *commands, *network,
                                                   configuration.wait_for_provisioning_network));
  spdlog::info("start-network: the network is written and applied");
  return absl::OkStatus();
}

}  // namespace trident
