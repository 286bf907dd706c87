// Runs programs of the host, without a shell.
#ifndef TRIDENT_AGENT_HOST_COMMAND_RUNNER_H_
#define TRIDENT_AGENT_HOST_COMMAND_RUNNER_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"
#include "agent/host/secret.h"

namespace trident {

struct Command {
  // argv[0] is looked up in PATH (of the new root when `root` is set).
  std::vector<std::string> argv;
  // Written to standard input, which is then closed.
  std::string input;
  // When set: written to standard input instead of `input`, as a file that can be sought and read
  // again through /dev/stdin, and wiped afterwards. The program then leaves no core dump. Used
  // until Run returns.
  const Secret* secret_input = nullptr;
  // Added to the agent's environment.
  std::map<std::string, std::string> environment;
  // When set: chroot there first.
  std::string root;
  std::chrono::milliseconds timeout = std::chrono::minutes(10);
  // When set and cancelled: the program is ended.
  const Cancellation* cancellation = nullptr;
  // When set: is given what the program says, as it appears and in pieces of any size, on the
  // thread that runs it; while it works the program waits. Standard error goes the same way as
  // standard output then, in the order in which the program writes, and `output` of the result has
  // the end of both.
  std::function<void(std::string_view)> on_output;
  // What the program has left running in its process group when it ends is ended (SIGKILL), too.
  bool end_group = false;
};

struct CommandResult {
  int exit_status = 0;
  // The last 64 KiB of each.
  std::string output;
  std::string error_output;
};

class CommandRunner {
 public:
  virtual ~CommandRunner() = default;

  // Runs to the end and gives the exit status, whatever it is. Errors: the program is not there
  // (NOT_FOUND), ended by a signal or by the time limit, cancelled. The program and what it started
  // are ended (SIGTERM, then SIGKILL to the process group) when the limit passes.
  virtual absl::StatusOr<CommandResult> Run(const Command& command) = 0;

  // Run, and any exit status but 0 is an error that quotes the command line, the status and the
  // last lines of what it said. Gives standard output.
  absl::StatusOr<std::string> RunChecked(const Command& command);
};

// What RunChecked makes of an exit status that is not 0.
absl::Status ExitStatusError(const std::vector<std::string>& argv, const CommandResult& result);

std::unique_ptr<CommandRunner> MakeLinuxCommandRunner();

// The command line as a person would type it, for messages.
std::string RenderCommand(const std::vector<std::string>& argv);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_COMMAND_RUNNER_H_
