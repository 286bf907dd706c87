#include "agent/host/fake/fake_command_runner.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"

namespace trident {

absl::StatusOr<CommandResult> FakeCommandRunner::Run(const Command& command) {
  Handler handler;
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(command);
    commands_.back().secret_input = nullptr;
    commands_.back().on_output = nullptr;
    const Rule* best = nullptr;
    for (const Rule& rule : rules_) {
      if (rule.prefix.size() > command.argv.size()) continue;
      if (!std::equal(rule.prefix.begin(), rule.prefix.end(), command.argv.begin())) continue;
      if (best == nullptr || rule.prefix.size() >= best->prefix.size()) best = &rule;
    }
    if (best != nullptr) handler = best->handler;
  }
  if (command.argv.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "internal", "no-command",
                     "an empty command line cannot be run");
  }
  if (command.cancellation != nullptr && command.cancellation->cancelled()) {
    return MakeError(absl::StatusCode::kCancelled, "cancelled", "command",
                     RenderCommand(command.argv) + " was cancelled");
  }
  if (!handler) {
    return MakeError(absl::StatusCode::kNotFound, "environment", "command-missing",
                     "cannot run " + RenderCommand(command.argv) + ": no such program");
  }
  // Without the lock: a handler may use the runner.
  absl::StatusOr<CommandResult> result = handler(command);
  if (command.on_output && result.ok()) {
    result->output += std::exchange(result->error_output, {});
    command.on_output(result->output);
  }
  return result;
}

void FakeCommandRunner::On(std::vector<std::string> prefix, Handler handler) {
  const std::lock_guard lock(mutex_);
  rules_.push_back({std::move(prefix), std::move(handler)});
}

void FakeCommandRunner::On(std::vector<std::string> prefix, CommandResult result) {
  On(std::move(prefix), [result = std::move(result)](const Command&) { return result; });
}

void FakeCommandRunner::OnOutput(std::vector<std::string> prefix, std::string output) {
  CommandResult result;
  result.output = std::move(output);
  On(std::move(prefix), std::move(result));
}

std::vector<Command> FakeCommandRunner::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

std::vector<std::string> FakeCommandRunner::command_lines() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const Command& command : commands_) lines.push_back(RenderCommand(command.argv));
  return lines;
}

void FakeCommandRunner::Forget() {
  const std::lock_guard lock(mutex_);
  commands_.clear();
}

}  // namespace trident
