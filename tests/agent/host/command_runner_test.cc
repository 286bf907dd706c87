#include "agent/host/command_runner.h"

#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "agent/host/fake/fake_command_runner.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

Command Shell(const std::string& script) {
  Command command;
  command.argv = {"sh", "-c", script};
  return command;
}

// Whether the process is there and does more than wait to be reaped.
bool Runs(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  return std::getline(file, stat) && stat.find(") Z ") == std::string::npos;
}

TEST_CASE("a program's output, error output and exit status come back, whatever they are") {
  const auto result = MakeLinuxCommandRunner()->Run(Shell("echo out; echo err >&2; exit 3"));
  REQUIRE_OK(result);
  REQUIRE(result->exit_status == 3);
  REQUIRE(result->output == "out\n");
  REQUIRE(result->error_output == "err\n");
}

TEST_CASE("input arrives whole, also when it is large or not read") {
  const std::string input(300'000, 'i');
  Command command;
  command.argv = {"cat"};
  command.input = input;
  const auto runner = MakeLinuxCommandRunner();
  REQUIRE(runner->Run(command)->output == input.substr(0, 64 << 10));
  command.argv = {"wc", "-c"};
  REQUIRE(runner->Run(command)->output == "300000\n");
  command.argv = {"true"};
  REQUIRE(runner->Run(command)->exit_status == 0);
  command.argv = {"cat"};
  command.input.clear();
  REQUIRE(runner->Run(command)->output.empty());
}

TEST_CASE("a secret arrives as a file that can be read twice, and by nobody else") {
  const Secret key = std::move(*Secret::CopyOf(std::string("k\0y", 3)));
  Command command = Shell("cat /dev/stdin /dev/stdin; stat -L -c %a /dev/stdin");
  command.secret_input = &key;
  const auto result = MakeLinuxCommandRunner()->Run(command);
  REQUIRE_OK(result);
  REQUIRE(result->output == std::string("k\0yk\0y600\n", 10));
}

TEST_CASE("a program that gets a secret leaves no core dump") {
  const Secret key = std::move(*Secret::CopyOf("key"));
  Command command = Shell("grep 'Max core' /proc/self/limits");
  const auto limits = [&] { return MakeLinuxCommandRunner()->Run(command).value().output; };
  const std::string before = limits();
  command.secret_input = &key;
  REQUIRE_THAT(limits(), Catch::Matchers::Matches("Max core file size +1 +1 +bytes *\n"));
  command.secret_input = nullptr;
  REQUIRE(limits() == before);
}

TEST_CASE("a secret is wiped from a program's input when the program has ended") {
  const test::TemporaryDirectory directory;
  const std::string fifo = directory / "go";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const Secret key = std::move(*Secret::CopyOf("the key"));
  // The one in the background outlives the program, and holds its input.
  Command command =
      Shell("exec 3<&0; (read line < " + fifo + "; head -c 7 /proc/self/fd/3 | od -c > " +
            (directory / "seen") + "; mv " + (directory / "seen") + " " + (directory / "done") +
            ") > /dev/null 2>&1 &");
  command.secret_input = &key;
  REQUIRE_OK(MakeLinuxCommandRunner()->Run(command));
  test::WriteFile(fifo, "go\n");
  struct stat about = {};
  const auto begin = steady_clock::now();
  while (stat((directory / "done").c_str(), &about) != 0 &&
         steady_clock::now() - begin < seconds(60)) {
    std::this_thread::yield();
  }
  REQUIRE_THAT(test::ReadFile(directory / "done"),
               Catch::Matchers::Contains("\\0  \\0  \\0  \\0  \\0  \\0  \\0"));
}

TEST_CASE("only the end of a flood is kept") {
  const auto result = MakeLinuxCommandRunner()->Run(
      Shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end; echo err >&2"));
  REQUIRE_OK(result);
  REQUIRE(result->output.size() == 64 << 10);
  REQUIRE(result->output.ends_with("xend\n"));
  REQUIRE(result->error_output == "err\n");
}

TEST_CASE("a program that is not there is NOT_FOUND by name") {
  Command command;
  command.argv = {"no-such-program-at-all"};
  REQUIRE_ERROR(MakeLinuxCommandRunner()->Run(command), absl::StatusCode::kNotFound,
                "no-such-program-at-all");
  command.argv = {};
  REQUIRE_ERROR(MakeLinuxCommandRunner()->Run(command), absl::StatusCode::kInvalidArgument,
                "empty");
}

TEST_CASE("a file that may not be run is not NOT_FOUND") {
  const test::TemporaryDirectory directory;
  test::WriteFile(directory / "tool", "#!/bin/sh\n");
  Command command;
  command.argv = {directory / "tool"};
  REQUIRE_ERROR(MakeLinuxCommandRunner()->Run(command), absl::StatusCode::kPermissionDenied,
                "tool");
}

TEST_CASE("the environment is the agent's with LC_ALL=C and what is added") {
  Command command = Shell("echo \"$LC_ALL $ADDED ${NOTIFY_SOCKET-unset}\"");
  command.environment["ADDED"] = "a b";
  setenv("NOTIFY_SOCKET", "/run/notify", 1);
  const auto result = MakeLinuxCommandRunner()->Run(command);
  unsetenv("NOTIFY_SOCKET");
  REQUIRE(result->output == "C a b unset\n");
}

TEST_CASE("PATH of the command's environment is searched") {
  const test::TemporaryDirectory directory;
  test::WriteFile(directory / "tool", "#!/bin/sh\necho found\n");
  REQUIRE(chmod((directory / "tool").c_str(), 0755) == 0);
  Command command;
  command.argv = {"tool"};
  command.environment["PATH"] = directory.path() + ":/usr/bin:/bin";
  REQUIRE(MakeLinuxCommandRunner()->Run(command)->output == "found\n");
}

TEST_CASE("no descriptor and no signal mask of the agent reaches the program") {
  const test::TemporaryDirectory directory;
  FILE* const leak = fopen((directory / "leak").c_str(), "w");
  REQUIRE(leak != nullptr);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  const auto result = MakeLinuxCommandRunner()->Run(
      Shell("ls /proc/self/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status"));
  pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
  fclose(leak);
  REQUIRE_OK(result);
  // 3 is the folder that ls itself reads.
  REQUIRE(result->output.starts_with("0 1 2 3 "));
  REQUIRE_THAT(result->output, Catch::Matchers::Contains("SigBlk:\t0000000000000000"));
  REQUIRE_THAT(result->output, Catch::Matchers::Contains("SigIgn:\t0000000000000000"));
}

TEST_CASE("a program that ends by a signal is an error that names it") {
  REQUIRE_ERROR(MakeLinuxCommandRunner()->Run(Shell("kill -SEGV $$")), absl::StatusCode::kAborted,
                "signal 11");
}

TEST_CASE("a program that never ends is ended at its limit, with all that it started") {
  const test::TemporaryDirectory directory;
  const std::string pids = directory / "pids";
  // The child ignores SIGTERM; the leader does not.
  Command command =
      Shell("sh -c 'trap \"\" TERM; echo $$ > " + pids + "; while :; do sleep 1; done' & wait");
  command.timeout = seconds(2);
  const auto begin = steady_clock::now();
  REQUIRE_ERROR(MakeLinuxCommandRunner()->Run(command), absl::StatusCode::kDeadlineExceeded,
                "2000 ms");
  REQUIRE(steady_clock::now() - begin < seconds(60));
  const auto pid = static_cast<pid_t>(std::stol(test::ReadFile(pids)));
  // It was sent SIGKILL; the kernel may take a moment.
  while (Runs(pid) && steady_clock::now() - begin < seconds(60)) std::this_thread::yield();
  REQUIRE_FALSE(Runs(pid));
}

TEST_CASE("a program that ignores SIGTERM is killed") {
  Command command = Shell("trap '' TERM; while :; do sleep 1; done");
  command.timeout = milliseconds(200);
  REQUIRE_ERROR(MakeLinuxCommandRunner()->Run(command), absl::StatusCode::kDeadlineExceeded,
                "did not end");
}

TEST_CASE(
    "a program that leaves something in the background with the pipes open does not hang us") {
  const auto begin = steady_clock::now();
  const auto result = MakeLinuxCommandRunner()->Run(Shell("sleep 300 & echo $!"));
  REQUIRE_OK(result);
  REQUIRE(steady_clock::now() - begin < seconds(60));
  // It may go on: a daemon is not to be ended. We started it, so we end it.
  REQUIRE(kill(static_cast<pid_t>(std::stol(result->output)), SIGKILL) == 0);
}

TEST_CASE("what a program says arrives while it runs, both outputs in their order") {
  const test::TemporaryDirectory directory;
  const std::string go = directory / "go";
  // It goes on only after its first words have arrived.
  Command command = Shell("echo one; echo two >&2; while ! [ -e " + go +
                          " ]; do sleep 0.05; done; echo three; echo four >&2; exit 5");
  std::string heard;
  command.on_output = [&](std::string_view chunk) {
    heard += chunk;
    if (heard == "one\ntwo\n") std::ofstream{go};
  };
  command.timeout = seconds(60);
  const auto result = MakeLinuxCommandRunner()->Run(command);
  REQUIRE_OK(result);
  REQUIRE(result->exit_status == 5);
  REQUIRE(heard == "one\ntwo\nthree\nfour\n");
  REQUIRE(result->output == heard);
  REQUIRE(result->error_output.empty());
}

TEST_CASE("a flood is heard whole and does not grow what is kept") {
  Command command = Shell("head -c 50000000 /dev/zero");
  uint64_t heard = 0;
  command.on_output = [&](std::string_view chunk) { heard += chunk.size(); };
  const auto result = MakeLinuxCommandRunner()->Run(command);
  REQUIRE_OK(result);
  REQUIRE(heard == 50'000'000);
  REQUIRE(result->output.size() == 64 << 10);
}

TEST_CASE("a program whose group is to end with it leaves nothing in the background") {
  const auto begin = steady_clock::now();
  Command command = Shell("sleep 300 & echo $!");
  command.end_group = true;
  const auto result = MakeLinuxCommandRunner()->Run(command);
  REQUIRE_OK(result);
  REQUIRE(result->exit_status == 0);
  const auto pid = static_cast<pid_t>(std::stol(result->output));
  while (Runs(pid) && steady_clock::now() - begin < seconds(60)) std::this_thread::yield();
  REQUIRE_FALSE(Runs(pid));
}

TEST_CASE("a cancelled program ends, one cancelled before does not begin") {
  const test::TemporaryDirectory directory;
  Cancellation cancellation;
  Command command = Shell("echo > " + (directory / "began") + "; sleep 300");
  command.cancellation = &cancellation;
  auto running = std::async(std::launch::async,
                            [&] { return MakeLinuxCommandRunner()->Run(command).status(); });
  struct stat about = {};
  while (stat((directory / "began").c_str(), &about) != 0) std::this_thread::yield();
  cancellation.Cancel();
  REQUIRE_ERROR(running.get(), absl::StatusCode::kCancelled, "sleep 300");
  command.argv = {"touch", directory / "second"};
  REQUIRE_ERROR(MakeLinuxCommandRunner()->Run(command), absl::StatusCode::kCancelled, "before");
  REQUIRE(stat((directory / "second").c_str(), &about) != 0);
}

TEST_CASE("many programs run at the same time from many threads") {
  std::vector<std::future<std::string>> results;
  for (int i = 0; i < 8; ++i) {
    results.push_back(std::async(std::launch::async, [i] {
      const auto runner = MakeLinuxCommandRunner();
      std::string all;
      for (int round = 0; round < 4; ++round) {
        all += runner->Run(Shell("cat; echo " + std::to_string(i))).value().output;
      }
      return all;
    }));
  }
  for (int i = 0; i < 8; ++i) {
    const std::string line = std::to_string(i) + "\n";
    REQUIRE(results[static_cast<size_t>(i)].get() == line + line + line + line);
  }
}

TEST_CASE("a checked run quotes the command, the status and the last words") {
  const auto runner = MakeLinuxCommandRunner();
  REQUIRE(*runner->RunChecked(Shell("echo fine")) == "fine\n");
  const auto failed = runner->RunChecked(Shell("echo broken disk >&2; exit 9"));
  REQUIRE_ERROR(failed, absl::StatusCode::kInternal, "exit status 9: broken disk");
  REQUIRE_ERROR(failed, absl::StatusCode::kInternal, "sh -c 'echo broken");
  REQUIRE(GetErrorDetail(failed.status()).subkind == "command-failed");
}

TEST_CASE("a command line is shown as a person would type it") {
  REQUIRE(RenderCommand({"mkfs.ext4", "-L", "my disk", "", "it's", "/dev/sda1"}) ==
          "mkfs.ext4 -L 'my disk' '' 'it'\\''s' /dev/sda1");
}

TEST_CASE("the fake runner answers by the longest prefix and remembers") {
  FakeCommandRunner runner;
  Command command;
  command.argv = {"tool", "list", "all"};
  REQUIRE_ERROR(runner.Run(command), absl::StatusCode::kNotFound, "tool list all");
  runner.OnOutput({"tool"}, "general");
  runner.OnOutput({"tool", "list"}, "special");
  REQUIRE(*runner.RunChecked(command) == "special");
  command.argv = {"tool"};
  REQUIRE(*runner.RunChecked(command) == "general");
  CommandResult broken;
  broken.exit_status = 1;
  runner.On({"tool"}, broken);
  REQUIRE_FALSE(runner.RunChecked(command).ok());
  const Secret key = std::move(*Secret::CopyOf("key"));
  runner.On({"secretive"}, [](const Command& one) {
    CommandResult result;
    result.output.assign(one.secret_input->chars(), one.secret_input->size());
    return result;
  });
  command.argv = {"secretive"};
  command.secret_input = &key;
  REQUIRE(*runner.RunChecked(command) == "key");
  REQUIRE(runner.commands().back().secret_input == nullptr);
  REQUIRE(runner.command_lines() ==
          std::vector<std::string>{"tool list all", "tool list all", "tool", "tool", "secretive"});
}

}  // namespace
}  // namespace trident
