#include "agent/kickstart/pre_scripts.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "agent/kickstart/script_log.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using Catch::Matchers::Contains;

kickstart::ScriptSection ScriptOf(const std::string& content) {
  kickstart::ScriptSection script;
  script.content = content;
  return script;
}

TEST_CASE("a script is run by its interpreter from a private file that goes away") {
  FakeFiles files;
  FakeCommandRunner commands;
  Cancellation cancellation;
  std::string content;
  commands.On({"/bin/bash"}, [&](const Command& command) -> absl::StatusOr<CommandResult> {
    content = files.Get(command.argv.at(1)).value_or("missing");
    CHECK(files.ModeOf(command.argv.at(1)) == 0600);
    CHECK(command.timeout == std::chrono::minutes(10));
    CHECK(command.cancellation == &cancellation);
    CHECK(command.end_group);
    return CommandResult{0, "out\n", "err\n"};
  });
  PreScripts scripts(files, commands, cancellation);
  kickstart::ScriptSection script = ScriptOf("echo hello");
  script.interpreter = "/bin/bash";
  script.log = "/var/log/deep/pre.log";
  REQUIRE_OK(scripts.Run(script));
  CHECK(content == "echo hello");
  CHECK(files.Get("/var/log/deep/pre.log") == "out\nerr\n");
  CHECK(files.ModeOf("/var/log/deep/pre.log") == 0600);
  CHECK(files.AllFiles() == std::vector<std::string>{"/var/log/deep/pre.log"});
}

TEST_CASE("a script that fails says its status and its last words, and its log is written") {
  FakeFiles files;
  FakeCommandRunner commands;
  Cancellation cancellation;
  commands.On({"/bin/sh"}, {3, std::string(5000, 'x') + "\nlooking\n", "no disk\n"});
  PreScripts scripts(files, commands, cancellation);
  kickstart::ScriptSection script = ScriptOf("");
  script.log = "/pre.log";
  const absl::Status status = scripts.Run(script);
  CHECK(GetErrorDetail(status).subkind == "pre-script-failed");
  CHECK(status.message() == "the script ended with status 3, and said last: looking\nno disk");
  CHECK(files.Get("/pre.log")->size() > 5000);
}

TEST_CASE("a script that cannot be kept, run or logged, fails") {
  FakeFiles files;
  FakeCommandRunner commands;
  Cancellation cancellation;
  PreScripts scripts(files, commands, cancellation);
  SECTION("no interpreter") {
    REQUIRE_ERROR(scripts.Run(ScriptOf("")), absl::StatusCode::kNotFound, "/bin/sh");
    CHECK(files.AllFiles().empty());
  }
  SECTION("no place") {
    commands.OnOutput({"/bin/sh"}, "");
    files.FailChangesFrom(1, absl::ResourceExhaustedError("no space left"));
    REQUIRE_ERROR(scripts.Run(ScriptOf("")), absl::StatusCode::kResourceExhausted, "no space");
    CHECK(commands.commands().empty());
  }
  SECTION("no log") {
    commands.OnOutput({"/bin/sh"}, "");
    // Folder, script, its removal, the log's folder.
    files.FailChange(4, absl::ResourceExhaustedError("no space left"));
    kickstart::ScriptSection script = ScriptOf("");
    script.log = "/var/log/pre.log";
    REQUIRE_ERROR(scripts.Run(script), absl::StatusCode::kResourceExhausted, "no space");
  }
}

TEST_CASE("what a script says is logged line by line, within bounds") {
  ScriptLog log("script");
  log.Add("one\ntw");
  CHECK(log.lines() == 1);
  log.Add("o\n\nfour");
  CHECK(log.lines() == 3);
  log.End();
  CHECK(log.lines() == 4);
  CHECK(log.dropped() == 0);

  ScriptLog flood("flood");
  const std::string long_line(kLongestLoggedLine + 7, 'x');
  flood.Add(long_line.substr(0, 10));
  flood.Add(long_line.substr(10) + "\n");
  CHECK(flood.lines() == 1);
  CHECK(flood.dropped() == 7);
  for (size_t i = 1; i < kMostLoggedLines + 5; ++i) flood.Add("y\n");
  flood.End();
  CHECK(flood.lines() == kMostLoggedLines);
  CHECK(flood.dropped() == 7 + 5);
}

TEST_CASE("scripts run for real, and end when the agent is asked to stop") {
  const trident::test::TemporaryDirectory folder;
  const auto files = MakeLinuxFiles();
  const auto commands = MakeLinuxCommandRunner();
  Cancellation cancellation;
  PreScripts scripts(*files, *commands, cancellation, folder / "run");
  kickstart::ScriptSection script =
      ScriptOf("echo out; echo err >&2; echo made > " + (folder / "made"));
  script.log = folder / "logs/pre.log";
  REQUIRE_OK(scripts.Run(script));
  CHECK(trident::test::ReadFile(folder / "made") == "made\n");
  CHECK(trident::test::ReadFile(folder / "logs/pre.log") == "out\nerr\n");

  REQUIRE_ERROR(scripts.Run(ScriptOf("echo no disk >&2; exit 7")),
                absl::StatusCode::kFailedPrecondition, "status 7, and said last: no disk");

  std::thread stopper([&] {
    while (!files->Exists(folder / "waiting")) std::this_thread::yield();
    cancellation.Cancel();
  });
  script = ScriptOf("echo waits; echo > " + (folder / "waiting") + "; sleep 600");
  script.log = folder / "logs/cancelled.log";
  const absl::Status status = scripts.Run(script);
  stopper.join();
  CHECK(absl::IsCancelled(status));
  CHECK(trident::test::ReadFile(folder / "logs/cancelled.log") == "waits\n");
  CHECK(files->List(folder / "run")->empty());
}

}  // namespace
}  // namespace trident
