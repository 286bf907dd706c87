#include "agent/management/target_agent.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/base/error.h"

namespace trident {
namespace {

absl::Status NoAgent(std::string message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-agent-in-target",
                   std::move(message),
                   "Build the image with the agent installed and its units enabled, or set "
                   "management.disable to give the host up after the reboot.");
}

}  // namespace

absl::Status UpgradeTargetAgent(Files& files, const std::string& root, const std::string& program) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string path, ResolveBelow(files, root, kAgentPath));
  return Annotate(files.Copy(program, path, 0755),
                  "copy the running agent into the new root (management.selfUpgrade)");
}

absl::StatusOr<StoreRange> InspectTargetAgent(const Files& files, CommandRunner& commands,
                                              const std::string& root) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string path, ResolveBelow(files, root, kAgentPath));
  if (!files.Exists(path)) {
    return NoAgent(absl::StrCat("the new root has no agent: ", kAgentPath, " is missing"));
  }
  Command enabled;
  enabled.argv = {"systemctl", absl::StrCat("--root=", root), "is-enabled", kAgentUnit};
  absl::StatusOr<CommandResult> state = commands.Run(enabled);
  TRIDENT_RETURN_IF_ERROR(
      Annotate(state.status(), "find out whether the agent starts in the new root"));
  if (state->exit_status != 0) {
    return NoAgent(
        absl::StrCat("the unit ", kAgentUnit,
                     " is not enabled in the new root: nobody would check the new system"));
  }
  Command range;
  range.argv = {kAgentPath, "store-range"};
  range.root = root;
  range.timeout = std::chrono::minutes(1);
  absl::StatusOr<std::string> output = commands.RunChecked(range);
  if (!output.ok()) {
    return NoAgent(absl::StrCat("the agent in the new root does not run: ",
                                std::string(output.status().message())));
  }
  return ParseStoreRange(*output);
}

std::string FormatStoreRange(StoreRange range) {
  return absl::StrCat(range.oldest, " ", range.newest);
}

absl::StatusOr<StoreRange> ParseStoreRange(std::string_view text) {
  const std::vector<std::string> words = absl::StrSplit(
      absl::string_view(text.data(), text.size()), absl::ByAnyChar(" \n"), absl::SkipWhitespace());
  StoreRange range;
  if (words.size() != 2 || !absl::SimpleAtoi(words[0], &range.oldest) ||
      !absl::SimpleAtoi(words[1], &range.newest) || range.oldest > range.newest) {
    return NoAgent(absl::StrCat("the agent in the new root does not say which stores it reads: '",
                                std::string(text), "'"));
  }
  return range;
}

}  // namespace trident
