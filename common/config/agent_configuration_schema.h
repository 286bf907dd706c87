// The declarations of the agent's configuration. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_AGENT_CONFIGURATION_SCHEMA_H_
#define TRIDENT_COMMON_CONFIG_AGENT_CONFIGURATION_SCHEMA_H_

#include "common/config/agent_configuration.h"
#include "common/config/field.h"
#include "common/config/host_configuration_schema.h"
#include "common/config/value_codecs.h"

namespace trident {

template <>
struct Schema<GrpcConfiguration> {
  static constexpr char kName[] = "GrpcConfiguration";
  static constexpr char kDoc[] = "The API server.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"listenPort", "TCP port. Without it: 50051."}, &GrpcConfiguration::listen_port);
    v.Optional({"insecureLoopback", "Serve plaintext TCP on the loopback addresses."},
               &GrpcConfiguration::insecure_loopback);
  }
};

template <>
struct Schema<MetricsConfiguration> {
  static constexpr char kName[] = "MetricsConfiguration";
  static constexpr char kDoc[] = "Metrics in the text format of Prometheus.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"listenPort", "TCP port on the loopback addresses for GET /metrics."},
               &MetricsConfiguration::listen_port);
    v.Optional(
        {"textfile", "A file ending in .prom, for the textfile collector of a node exporter.",
         Format::kAbsolutePath},
        &MetricsConfiguration::textfile);
  }
};

template <>
struct Schema<AgentConfiguration> {
  static constexpr char kName[] = "AgentConfiguration";
  static constexpr char kDoc[] = "The agent's own configuration.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"phonehome", "URL that the agent reports to.", Format::kHttpUrl},
               &AgentConfiguration::phonehome);
    v.Optional({"logstream", "URL that log records are sent to.", Format::kHttpUrl},
               &AgentConfiguration::logstream);
    v.Optional({"datastore", "The agent's database on an installed host.", Format::kAbsolutePath},
               &AgentConfiguration::datastore);
    v.Optional({"networkOverride", "Network while installing, a netplan mapping."},
               &AgentConfiguration::network_override);
    v.Optional({"waitForProvisioningNetwork", "Wait until the network is up."},
               &AgentConfiguration::wait_for_provisioning_network);
    v.Optional({"networkConfirmSeconds",
                "How long a change of the running network waits for a sign that the host can still "
                "be reached before it is taken back, 10 to 3600. Without it: 120."},
               &AgentConfiguration::network_confirm_seconds);
    v.Optional({"allowedOperations", "What any caller may ask for."},
               &AgentConfiguration::allowed_operations);
    v.Optional({"grpc", "The API server; without it there is none."}, &AgentConfiguration::grpc);
    v.Optional({"metrics", "Where metrics can be had."}, &AgentConfiguration::metrics);
    v.Optional({"registryCredentials",
                "A file with credentials for OCI registries, as Docker's config.json; readable by "
                "its owner only.",
                Format::kAbsolutePath},
               &AgentConfiguration::registry_credentials);
    v.Optional({"manifestKeyring",
                "An OpenPGP keyring: SHA256SUMS must have a good signature, SHA256SUMS.gpg, of one "
                "of its keys.",
                Format::kAbsolutePath},
               &AgentConfiguration::manifest_keyring);
    v.Optional({"dangerousOptions",
                "Accept Host Configurations that set passwords or let users log in over SSH with "
                "them: the modes whose names begin with `dangerous-`. For test machines."},
               &AgentConfiguration::dangerous_options);
    v.Optional({"hostConfiguration", "The Host Configuration itself."},
               &AgentConfiguration::host_configuration);
    v.Optional({"hostConfigurationFile", "A file with the Host Configuration.", Format::kLine},
               &AgentConfiguration::host_configuration_file);
    v.Optional({"kickstart", "The text of a kickstart file."}, &AgentConfiguration::kickstart);
    v.Optional({"kickstartFile", "A kickstart file.", Format::kLine},
               &AgentConfiguration::kickstart_file);
  }
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_AGENT_CONFIGURATION_SCHEMA_H_
