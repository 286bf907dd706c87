// A kickstart as the document that the agent works with.
#ifndef TRIDENT_AGENT_KICKSTART_KICKSTART_DOCUMENT_H_
#define TRIDENT_AGENT_KICKSTART_KICKSTART_DOCUMENT_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/host/files.h"
#include "common/kickstart/kickstart.h"

namespace trident {

// The Host Configuration as YAML. `text`: the kickstart; unset: that of `file`.
//
// Warnings go to the log. INVALID_ARGUMENT, kind "invalid-input", subkind "kickstart": the message
// is the list of all that is wrong, as JSON (kickstart::ProblemsToJson); each problem is in the
// list of causes too, as a line for people.
absl::StatusOr<std::string> KickstartDocument(const std::optional<std::string>& text,
                                              const std::string& file, const Files& files,
                                              const kickstart::Options& options);

}  // namespace trident

#endif  // TRIDENT_AGENT_KICKSTART_KICKSTART_DOCUMENT_H_
