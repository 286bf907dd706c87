#include "common/config/document.h"

#include <utility>

#include "common/base/sha256.h"
#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/base/yaml_writer.h"
#include "common/config/agent_configuration_schema.h"
#include "common/config/finding_list.h"
#include "common/config/host_configuration_schema.h"
#include "common/config/network_validation.h"
#include "common/config/reader.h"
#include "common/config/validation.h"
#include "common/config/writer.h"

namespace trident {
namespace {

// Reads the fields into `out`. False when there is no mapping to read.
template <typename T>
bool ReadDocument(std::string_view yaml, FindingList& findings, T& out) {
  YamlDocument document = LoadYaml(yaml);
  findings.Append(std::move(document.findings));
  if (document.root == nullptr) return false;
  if (document.root->kind == YamlNode::Kind::kNull) {
    findings.Fail("", document.root->line, document.root->column, "the document is empty",
                  "Write {} when nothing is to be said.");
    return false;
  }
  Reader reader(findings, UnknownKeys::kRefuse);
  reader.ReadObject(*document.root, "", out);
  return document.root->kind == YamlNode::Kind::kMapping;
}

void ValidateSources(const AgentConfiguration& configuration, FindingList& findings) {
  std::vector<std::string> given;
  if (configuration.host_configuration) given.push_back("hostConfiguration");
  if (configuration.host_configuration_file) given.push_back("hostConfigurationFile");
  if (configuration.kickstart) given.push_back("kickstart");
  if (configuration.kickstart_file) given.push_back("kickstartFile");
  if (given.size() < 2) return;
  findings.Add(given.back(),
               StrCat("only one source of the Host Configuration may be given, found ",
                      StrJoin(given, ", ")),
               "Keep one of these keys.");
}

void ValidateMetrics(const AgentConfiguration& configuration, FindingList& findings) {
  if (!configuration.metrics) return;
  const MetricsConfiguration& metrics = *configuration.metrics;
  if (!metrics.listen_port && !metrics.textfile && !findings.Failed("metrics")) {
    findings.Add("metrics", "metrics go nowhere: neither \"listenPort\" nor \"textfile\" is given",
                 "Add one of the two, or remove the section.");
  }
  if (metrics.listen_port == 0) {
    findings.Add("metrics.listenPort", "must be a port from 1 to 65535, found 0",
                 "Choose a port that is free on the host, such as 9559.");
  }
  if (metrics.textfile && !metrics.textfile->ends_with(".prom")) {
    findings.Add("metrics.textfile",
                 StrCat("the name must end in \".prom\", or nobody would read the file; found \"",
                        Shorten(*metrics.textfile), "\""),
                 "Write a path such as /var/lib/prometheus/node-exporter/trident.prom.");
  }
}

void ValidateConfirmation(const AgentConfiguration& configuration, FindingList& findings) {
  constexpr uint32_t kLeast = 10;
  constexpr uint32_t kMost = 3600;
  const uint32_t seconds = configuration.network_confirm_seconds;
  if (seconds >= kLeast && seconds <= kMost) return;
  findings.Add("networkConfirmSeconds",
               StrCat("must be from ", kLeast, " to ", kMost, " seconds, found ", seconds),
               "Give a network time to come up, and an operator time to look.");
}

}  // namespace

absl::StatusOr<HostConfiguration> ParseHostConfiguration(std::string_view yaml) {
  FindingList findings;
  HostConfiguration configuration;
  if (ReadDocument(yaml, findings, configuration)) {
    ValidateHostConfiguration(configuration, "", findings);
  }
  TRIDENT_RETURN_IF_ERROR(findings.ToStatus("host-configuration", "Host Configuration"));
  return configuration;
}

std::string WriteHostConfiguration(const HostConfiguration& configuration) {
  return WriteYaml(ToYaml(configuration));
}

std::string ConfigurationDigest(const HostConfiguration& configuration) {
  return Sha256Hex(WriteHostConfiguration(configuration));
}

absl::StatusOr<AgentConfiguration> ParseAgentConfiguration(std::string_view yaml) {
  FindingList findings;
  AgentConfiguration configuration;
  if (ReadDocument(yaml, findings, configuration)) {
    ValidateSources(configuration, findings);
    ValidateMetrics(configuration, findings);
    ValidateConfirmation(configuration, findings);
    if (configuration.network_override) {
      ValidateNetwork(*configuration.network_override, "networkOverride", findings);
    }
    if (configuration.host_configuration) {
      ValidateHostConfiguration(*configuration.host_configuration, "hostConfiguration.", findings);
    }
  }
  TRIDENT_RETURN_IF_ERROR(findings.ToStatus("agent-configuration", "agent configuration"));
  return configuration;
}

std::string WriteAgentConfiguration(const AgentConfiguration& configuration) {
  return WriteYaml(ToYaml(configuration));
}

}  // namespace trident
