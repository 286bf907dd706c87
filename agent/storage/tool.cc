#include "agent/storage/tool.h"

#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

// A check of a large, slow disk takes its time.
constexpr std::chrono::hours kToolLimit{1};

}  // namespace

absl::StatusOr<CommandResult> RunTool(CommandRunner& commands, std::vector<std::string> argv,
                                      const char* package, const Cancellation* cancellation) {
  Command command;
  command.argv = std::move(argv);
  command.timeout = kToolLimit;
  command.cancellation = cancellation;
  auto result = commands.Run(command);
  if (absl::IsNotFound(result.status())) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "tool-missing",
                     absl::StrCat("the program ", command.argv[0], " is not there"),
                     absl::StrCat("install the package ", package, " where the agent runs"));
  }
  return result;
}

absl::Status ToolFailed(const char* subkind, absl::StatusCode code, const std::string& attempt,
                        const CommandResult& result) {
  // The last words of the tool; it may have said much before.
  constexpr size_t kMost = 512;
  std::string said(absl::StripAsciiWhitespace(result.error_output.empty() ? result.output
                                                                          : result.error_output));
  if (said.size() > kMost) said = "... " + said.substr(said.size() - kMost);
  return MakeError(
      code, "storage", subkind,
      absl::StrCat(attempt, ": exit status ", result.exit_status, said.empty() ? "" : ": ", said));
}

absl::StatusOr<std::string> RunOrFail(CommandRunner& commands, std::vector<std::string> argv,
                                      const char* package, const char* subkind,
                                      const std::string& attempt,
                                      const Cancellation* cancellation) {
  TRIDENT_ASSIGN_OR_RETURN(CommandResult result,
                           RunTool(commands, std::move(argv), package, cancellation));
  if (result.exit_status == 0) return std::move(result.output);
  return ToolFailed(subkind, absl::StatusCode::kInternal, attempt, result);
}

}  // namespace trident
