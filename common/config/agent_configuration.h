// The agent's own configuration, /etc/trident/config.yaml.
#ifndef TRIDENT_COMMON_CONFIG_AGENT_CONFIGURATION_H_
#define TRIDENT_COMMON_CONFIG_AGENT_CONFIGURATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/config/allowed_operations.h"
#include "common/config/host_configuration.h"

namespace trident {

inline constexpr char kDefaultAgentConfigurationPath[] = "/etc/trident/config.yaml";
inline constexpr char kDefaultSocketPath[] = "/run/trident/trident.sock";
inline constexpr uint16_t kDefaultGrpcPort = 50051;
inline constexpr uint32_t kDefaultNetworkConfirmSeconds = 120;

struct GrpcConfiguration {
  std::optional<uint16_t> listen_port;  // unset or null: kDefaultGrpcPort
  // Plaintext TCP on the loopback addresses. Without it only the unix socket is served.
  bool insecure_loopback = false;

  bool operator==(const GrpcConfiguration&) const = default;
};

// Where metrics can be had, in Prometheus' text format.
struct MetricsConfiguration {
  std::optional<uint16_t> listen_port;  // on the loopback addresses
  std::optional<std::string> textfile;  // for the textfile collector of a node exporter

  bool operator==(const MetricsConfiguration&) const = default;
};

struct AgentConfiguration {
  std::optional<std::string> phonehome;
  std::optional<std::string> logstream;
  std::optional<std::string> datastore;
  std::optional<YamlValue> network_override;
  bool wait_for_provisioning_network = false;
  // How long a change of the running network that cannot prove itself waits for a confirmation.
  uint32_t network_confirm_seconds = kDefaultNetworkConfirmSeconds;
  AllowedOperations allowed_operations = AllowedOperations::All();
  std::optional<GrpcConfiguration> grpc;
  std::optional<MetricsConfiguration> metrics;
  // Credentials for OCI registries, in the format of Docker's config.json; mode 0600.
  std::optional<std::string> registry_credentials;
  // OpenPGP keyring whose keys sign lists of hashes (SHA256SUMS.gpg). Unset: no signature is asked
  // for.
  std::optional<std::string> manifest_keyring;
  // Documents may have passwords in them, and logins with passwords.
  bool dangerous_options = false;
  // At most one of these four.
  std::optional<HostConfiguration> host_configuration;
  std::optional<std::string> host_configuration_file;
  std::optional<std::string> kickstart;
  std::optional<std::string> kickstart_file;

  bool operator==(const AgentConfiguration&) const = default;
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_AGENT_CONFIGURATION_H_
