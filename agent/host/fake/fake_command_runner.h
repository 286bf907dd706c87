// Runs nothing: answers by a script and remembers what was run.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_COMMAND_RUNNER_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_COMMAND_RUNNER_H_

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "agent/host/command_runner.h"

namespace trident {

// Thread safe. A program that no rule knows is "not there": NOT_FOUND.
class FakeCommandRunner : public CommandRunner {
 public:
  using Handler = std::function<absl::StatusOr<CommandResult>(const Command&)>;

  absl::StatusOr<CommandResult> Run(const Command& command) override;

  // Commands whose argv begins with `prefix` are answered by `handler`. The longest prefix wins;
  // among equals the newest. An empty prefix answers everything else.
  void On(std::vector<std::string> prefix, Handler handler);
  void On(std::vector<std::string> prefix, CommandResult result);
  // Short for exit status 0 with this output.
  void OnOutput(std::vector<std::string> prefix, std::string output);

  // Every command so far, those that failed too; without `secret_input` and `on_output`,
  // which only handlers see. What a handler gives as output goes to `on_output`.
  std::vector<Command> commands() const;
  // Their command lines, rendered.
  std::vector<std::string> command_lines() const;
  void Forget();

 private:
  struct Rule {
    std::vector<std::string> prefix;
    Handler handler;
  };

  mutable std::mutex mutex_;
  std::vector<Rule> rules_;
  std::vector<Command> commands_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_COMMAND_RUNNER_H_
