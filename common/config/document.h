// Documents in and out: YAML text <-> model, with all findings.
#ifndef TRIDENT_COMMON_CONFIG_DOCUMENT_H_
#define TRIDENT_COMMON_CONFIG_DOCUMENT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/error.h"
#include "common/config/agent_configuration.h"
#include "common/config/host_configuration.h"

namespace trident {

// Parses and validates a Host Configuration. INVALID_ARGUMENT, kind "invalid-input", subkind
// "host-configuration", with every finding in the detail (ErrorDetail::findings), in the order of
// the document. Never throws; safe on hostile input.
absl::StatusOr<HostConfiguration> ParseHostConfiguration(std::string_view yaml);

// The document that ParseHostConfiguration reads back to an equal model. Defaults are omitted.
std::string WriteHostConfiguration(const HostConfiguration& configuration);

// SHA-256 (64 lower-case hex digits) of the written, hence normalized, document: what "the same
// configuration" means.
std::string ConfigurationDigest(const HostConfiguration& configuration);

// Same for the agent's configuration; subkind "agent-configuration".
absl::StatusOr<AgentConfiguration> ParseAgentConfiguration(std::string_view yaml);
std::string WriteAgentConfiguration(const AgentConfiguration& configuration);

// JSON Schema (2020-12) of the Host Configuration, pretty printed.
std::string HostConfigurationJsonSchema();

// docs/host-configuration.md, from the same declarations.
std::string HostConfigurationMarkdown();

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_DOCUMENT_H_
