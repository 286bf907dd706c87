// Running the storage programs of the host: what to say when one is missing or fails.
#ifndef TRIDENT_AGENT_STORAGE_TOOL_H_
#define TRIDENT_AGENT_STORAGE_TOOL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"

namespace trident {

// Runs a program to its end and gives its exit status, whatever it is. A program that is not there:
// FAILED_PRECONDITION, kind "storage", subkind "tool-missing", whose remedy names `package`, the
// Debian package that has it.
absl::StatusOr<CommandResult> RunTool(CommandRunner& commands, std::vector<std::string> argv,
                                      const char* package, const Cancellation* cancellation);

// The error of a program that failed, kind "storage": `attempt` says what was tried, on what; the
// program's last words follow.
absl::Status ToolFailed(const char* subkind, absl::StatusCode code, const std::string& attempt,
                        const CommandResult& result);

// RunTool, and any exit status but 0 is INTERNAL with this subkind. Gives standard output.
absl::StatusOr<std::string> RunOrFail(CommandRunner& commands, std::vector<std::string> argv,
                                      const char* package, const char* subkind,
                                      const std::string& attempt, const Cancellation* cancellation);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_TOOL_H_
