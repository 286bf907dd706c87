// What is told to phonehome before there is a job that could tell it.
#ifndef TRIDENT_AGENT_EARLY_REPORT_H_
#define TRIDENT_AGENT_EARLY_REPORT_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/agent_options.h"

namespace trident {

// LoadAgentConfiguration. A file that cannot be read as a whole, but in which a line names a
// phonehome URL, is reported there.
absl::StatusOr<AgentConfiguration> LoadAndReport(const AgentOptions& options);

// Tells phonehome, if the configuration names it, how a run ended that needed no job or was refused
// before it had one. Waits for the server as long as one series of attempts takes.
void ReportWithoutJob(const AgentConfiguration& configuration, const absl::Status& outcome);

}  // namespace trident

#endif  // TRIDENT_AGENT_EARLY_REPORT_H_
