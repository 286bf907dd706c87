// The agent as a program: parse-kickstart, and a kickstart in its configuration.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "common/config/document.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using Catch::Matchers::Contains;
using test::TemporaryDirectory;
using test::WriteFile;

CommandResult RunAgent(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TRIDENTD);
  Command command;
  command.argv = std::move(arguments);
  const auto result = MakeLinuxCommandRunner()->Run(command);
  REQUIRE_OK(result);
  return *result;
}

// `trident run` of an agent of its own, with `configuration`.
CommandResult RunWith(const TemporaryDirectory& folder, const std::string& configuration) {
  WriteFile(folder / "config.yaml", configuration);
  return RunAgent({"run", "-v", "INFO", "--config", folder / "config.yaml", "--listen",
                   "unix:" + (folder / "agent.sock"), "--datastore", folder / "store.sqlite"});
}

TEST_CASE("parse-kickstart prints the document, needs no configuration and runs no script") {
  const TemporaryDirectory folder;
  WriteFile(folder / "ks.cfg",
            "%pre\necho > " + (folder / "made") +
                "\n%end\npart / --grow\n%include parts.ks\n%include made-later.ks\n");
  WriteFile(folder / "parts.ks", "part swap --size=1\n");
  const CommandResult result =
      RunAgent({"parse-kickstart", folder / "ks.cfg", "--config", "/nonexistent/config.yaml"});
  INFO(result.error_output);
  CHECK(result.exit_status == 0);
  const auto parsed = ParseHostConfiguration(result.output);
  REQUIRE_OK(parsed);
  CHECK(parsed->storage.disks.at(0).partitions.size() == 2);
  CHECK_THAT(result.error_output, Contains("ks.cfg:6: warning: %include"));
  CHECK_FALSE(MakeLinuxFiles()->Exists(folder / "made"));
}

TEST_CASE("parse-kickstart tells all that is wrong as JSON, and exits with 2") {
  const TemporaryDirectory folder;
  WriteFile(folder / "ks.cfg", "bogus\nrootpw secret\npart / --size=1 --grow\n");
  const CommandResult result = RunAgent({"parse-kickstart", folder / "ks.cfg"});
  CHECK(result.exit_status == 2);
  CHECK(result.output.empty());
  const std::string& log = result.error_output;
  const size_t begin = log.find("[\n");
  const size_t end = log.find("\n]");
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const auto json = nlohmann::json::parse(log.substr(begin, end + 2 - begin));
  REQUIRE(json.size() == 3);
  CHECK(json[0]["line"]["source"]["File"] == folder / "ks.cfg");
  CHECK(json[0]["line"]["lineno"] == 1);
  CHECK(json[0]["error"].contains("UnknownCommand"));
  CHECK(json[1]["error"].contains("DisallowedCommand"));
  CHECK(json[2]["error"].contains("SyntaxError"));
  CHECK_THAT(log, !Contains("secret"));
  CHECK_THAT(log, Contains("because: " + (folder / "ks.cfg") + ":3: part: the options"));

  WriteFile(folder / "ks.cfg", "rootpw secret\n");
  CHECK(RunAgent({"parse-kickstart", "--dangerous-options", folder / "ks.cfg"}).exit_status == 0);
  const CommandResult missing = RunAgent({"parse-kickstart", folder / "none"});
  CHECK(missing.exit_status == 2);
  CHECK_THAT(missing.error_output, Contains("none: No such file"));
  CHECK(RunAgent({"parse-kickstart"}).exit_status == 2);
}

TEST_CASE("trident run translates the kickstart of its configuration, scripts and all") {
  const TemporaryDirectory folder;
  // A disk that nobody has: the plan is refused, which shows how far the kickstart came.
  const std::string text = "%pre --log=" + (folder / "pre.log") +
                           "\necho found a disk\necho 'part / --grow --ondisk=trident-none' > " +
                           (folder / "parts.ks") + "\n%end\n%include " + (folder / "parts.ks") +
                           "\nnetwork --device=eth0\n";
  SECTION("in a file") {
    WriteFile(folder / "ks.cfg", text);
    const CommandResult result = RunWith(folder, "kickstartFile: " + (folder / "ks.cfg") + "\n");
    INFO(result.error_output);
    CHECK(result.exit_status == 2);
    CHECK(test::ReadFile(folder / "pre.log") == "found a disk\n");
    CHECK_THAT(result.error_output, Contains("/dev/trident-none"));
    CHECK_THAT(result.error_output, Contains(": found a disk"));
  }
  SECTION("in the configuration itself") {
    std::string block = "kickstart: |\n  ";
    for (const char c : text.substr(0, text.size() - 1))
      block += c == '\n' ? "\n  " : std::string(1, c);
    const CommandResult result = RunWith(folder, block + "\n");
    INFO(result.error_output);
    CHECK(result.exit_status == 2);
    CHECK_THAT(result.error_output, Contains("/dev/trident-none"));
  }
}

TEST_CASE("trident run applies nothing of a kickstart that is wrong") {
  const TemporaryDirectory folder;
  SECTION("in its text: no script runs") {
    WriteFile(folder / "ks.cfg", "%pre\necho > " + (folder / "made") + "\n%end\nbogus\n");
    const CommandResult result = RunWith(folder, "kickstartFile: " + (folder / "ks.cfg") + "\n");
    CHECK(result.exit_status == 2);
    CHECK_THAT(result.error_output, Contains("\"UnknownCommand\""));
    CHECK_FALSE(MakeLinuxFiles()->Exists(folder / "made"));
  }
  SECTION("a script fails") {
    WriteFile(folder / "ks.cfg", "%pre\necho no disk >&2\nexit 4\n%end\n");
    const CommandResult result = RunWith(folder, "kickstartFile: " + (folder / "ks.cfg") + "\n");
    CHECK(result.exit_status == 2);
    CHECK_THAT(result.error_output, Contains("\"PreScriptFailed\""));
    CHECK_THAT(result.error_output, Contains("ended with status 4, and said last: no disk"));
  }
  SECTION("a file is missing") {
    WriteFile(folder / "ks.cfg", "%include none.ks\n");
    const CommandResult result = RunWith(folder, "kickstartFile: " + (folder / "ks.cfg") + "\n");
    CHECK(result.exit_status == 2);
    CHECK_THAT(result.error_output, Contains("\"IncludeError\""));
  }
  CHECK_FALSE(MakeLinuxFiles()->Exists(folder / "store.sqlite"));
}

}  // namespace
}  // namespace trident
