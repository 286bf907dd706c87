// Scripts that are really run, on real files.
#include "agent/hooks/script_runner.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr char kScriptFile[] = "/run/trident/scripts/scripts.postConfigure[0]";

class Bench {
 public:
  absl::Status Run(const Script& script, ServicingKind kind = ServicingKind::kNormalUpdate) {
    const ScriptRun run{.script = script,
                        .place = "scripts.postConfigure[0]",
                        .kind = kind,
                        .root = "",
                        .target_root = "/",
                        .host_root_device = "/dev/vda2",
                        .log = [this](std::string_view line) { lines.emplace_back(line); }};
    return RunScript(*files, *commands, *clock, run, cancellation);
  }

  test::TemporaryDirectory folder;
  std::unique_ptr<Files> files = MakeLinuxFiles();
  std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  std::unique_ptr<Clock> clock = MakeLinuxClock();
  Cancellation cancellation;
  std::vector<std::string> lines;
};

Script Shell(const std::string& content) {
  Script script;
  script.name = "site";
  script.servicing_type = {ScriptServicing::kAll};
  script.content = content;
  return script;
}

// Whether the process whose id is in the file is still there a minute after it was ended.
bool StaysAlive(const std::string& pid_file) {
  const std::string pid = test::ReadFile(pid_file);
  const auto begin = steady_clock::now();
  while (steady_clock::now() - begin < seconds(60)) {
    std::ifstream file("/proc/" + pid.substr(0, pid.find('\n')) + "/stat");
    std::string stat;
    if (!std::getline(file, stat) || stat.find(") Z ") != std::string::npos) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_CASE("a script runs with its environment, and the agent's words win") {
  Bench bench;
  Script script = Shell(
      "echo $SITE $UPDATE_KIND $SERVICING_TYPE $TARGET_ROOT $HOST_ROOT_DEVICE; echo to stderr >&2");
  script.environment_variables = {{"SITE", "berlin"}, {"TARGET_ROOT", "mine"}};
  REQUIRE_OK(bench.Run(script, ServicingKind::kUpdateAndReboot));
  CHECK(bench.lines == std::vector<std::string>{
                           "berlin update_and_reboot update-and-reboot / /dev/vda2", "to stderr"});
}

TEST_CASE("a script by path is run, by the interpreter that is asked for") {
  Bench bench;
  test::WriteFile(bench.folder / "script", "print 6 * 7, \"\\n\";");
  Script script = Shell("");
  script.content.reset();
  script.path = bench.folder / "script";
  script.interpreter = "perl";
  REQUIRE_OK(CheckScriptFile(*bench.files, script));
  REQUIRE_OK(bench.Run(script));
  CHECK(bench.lines == std::vector<std::string>{"42"});
  script.path = bench.folder / "none";
  REQUIRE_ERROR(CheckScriptFile(*bench.files, script), absl::StatusCode::kNotFound, "none");
  REQUIRE_OK(CheckScriptFile(*bench.files, Shell("x")));
}

TEST_CASE("a script that fails names itself, its exit status and its last lines") {
  Bench bench;
  const absl::Status status = bench.Run(Shell("echo looking; echo no licence >&2; exit 3"));
  REQUIRE_ERROR(status, absl::StatusCode::kInternal,
                "the script 'site' (scripts.postConfigure[0]) ended with exit status 3; its last "
                "lines: looking | no licence");
  CHECK(GetErrorDetail(status).kind == "script");
  REQUIRE_ERROR(bench.Run(Shell("exit 1")), absl::StatusCode::kInternal, "it said nothing");
  REQUIRE_ERROR(bench.Run(Shell("kill -SEGV $$")), absl::StatusCode::kAborted, "signal 11");
}

TEST_CASE("an interpreter that is not there is named") {
  Bench bench;
  Script script = Shell("x");
  script.interpreter = "/no/such/interpreter";
  REQUIRE_ERROR(bench.Run(script), absl::StatusCode::kFailedPrecondition,
                "no interpreter /no/such/interpreter");
}

TEST_CASE("the log file has all that was said, is made with its folders and made anew") {
  Bench bench;
  Script script = Shell("for i in $(seq 1000); do echo line $i; done");
  script.log_file_path = bench.folder / "new/folder/log";
  for (int i = 0; i < 2; ++i) REQUIRE_OK(bench.Run(script));
  const std::string log = test::ReadFile(*script.log_file_path);
  CHECK(log.starts_with("line 1\n"));
  CHECK(log.ends_with("line 1000\n"));
  CHECK(std::count(log.begin(), log.end(), '\n') == 1000);
  script.content = "echo why; exit 1";
  REQUIRE_FALSE(bench.Run(script).ok());
  CHECK(test::ReadFile(*script.log_file_path) == "why\n");
}

TEST_CASE("a script that writes a gigabyte neither grows the agent nor fills the disk") {
  Bench bench;
  Script script = Shell("head -c 1000000000 /dev/zero");
  script.log_file_path = bench.folder / "log";
  REQUIRE_OK(bench.Run(script));
  REQUIRE(bench.lines.size() == 1);
  CHECK_THAT(bench.lines[0], Catch::EndsWith("(999998976 more bytes)"));
  const std::string log = test::ReadFile(*script.log_file_path);
  CHECK(log.size() < (16 << 20) + 100);
  CHECK(log.ends_with("... 983222784 more bytes are left out\n"));
}

TEST_CASE("a script that never ends is ended at its limit with all that it started") {
  Bench bench;
  Script script = Shell("sleep 300 & echo $! > " + (bench.folder / "pid") + "; echo waiting; wait");
  script.timeout_seconds = 1;
  REQUIRE_ERROR(bench.Run(script), absl::StatusCode::kDeadlineExceeded,
                "did not end within 1 s (timeoutSeconds) and was ended; its last lines: waiting");
  CHECK_FALSE(StaysAlive(bench.folder / "pid"));
}

TEST_CASE("what a script leaves in the background neither hangs the agent nor stays") {
  Bench bench;
  const auto begin = steady_clock::now();
  REQUIRE_OK(bench.Run(Shell("sleep 300 & echo $! > " + (bench.folder / "pid"))));
  CHECK(steady_clock::now() - begin < seconds(60));
  CHECK_FALSE(StaysAlive(bench.folder / "pid"));
}

TEST_CASE("a script that was cancelled is no failure of the script") {
  Bench bench;
  bench.cancellation.Cancel();
  CHECK(bench.Run(Shell("echo never")).code() == absl::StatusCode::kCancelled);
  CHECK(bench.lines.empty());
}

TEST_CASE("the script's file is private and gone afterwards, in the new root when it runs there") {
  FakeFiles files;
  FakeCommandRunner commands;
  const auto clock = MakeLinuxClock();
  const Cancellation cancellation;
  files.SetDirectory("/new/var");
  files.SetLink("/new/run", "/var");
  for (const std::string root : {"", "/new"}) {
    INFO("root '" << root << "'");
    const std::string file = root.empty() ? std::string(kScriptFile)
                                          : "/new/var/trident/scripts/scripts.postConfigure[0]";
    commands.On({"/bin/sh"}, [&files, file, root](const Command& command) {
      CHECK(command.argv == std::vector<std::string>{"/bin/sh", kScriptFile});
      CHECK(command.root == root);
      CHECK(files.Get(file) == "secret");
      CHECK(files.ModeOf(file) == 0700);
      CHECK(files.ModeOf(file.substr(0, file.rfind('/'))) == 0700);
      return CommandResult{};
    });
    const Script script = Shell("secret");
    const ScriptRun run{.script = script,
                        .place = "scripts.postConfigure[0]",
                        .kind = ServicingKind::kAbUpdate,
                        .root = root,
                        .target_root = "/",
                        .host_root_device = "",
                        .log = [](std::string_view) {}};
    REQUIRE_OK(RunScript(files, commands, *clock, run, cancellation));
    CHECK_FALSE(files.Exists(file));
  }
}

TEST_CASE("servicingType selects; only all matches a hot patch, an empty list nothing") {
  struct Case {
    std::vector<ScriptServicing> types;
    ServicingKind kind;
    bool runs;
  };
  const Case cases[] = {
      {{ScriptServicing::kCleanInstall}, ServicingKind::kCleanInstall, true},
      {{ScriptServicing::kCleanInstall}, ServicingKind::kAbUpdate, false},
      {{ScriptServicing::kAbUpdate, ScriptServicing::kNormalUpdate},
       ServicingKind::kNormalUpdate,
       true},
      {{ScriptServicing::kUpdateAndReboot}, ServicingKind::kUpdateAndReboot, true},
      {{ScriptServicing::kNormalUpdate}, ServicingKind::kHotPatch, false},
      {{ScriptServicing::kAll}, ServicingKind::kHotPatch, true},
      {{ScriptServicing::kAll}, ServicingKind::kCleanInstall, true},
      {{}, ServicingKind::kAbUpdate, false},
  };
  for (const Case& c : cases) {
    Script script = Shell("x");
    script.servicing_type = c.types;
    INFO(ServicingKindName(c.kind));
    CHECK(RunsIn(script, c.kind) == c.runs);
  }
}

TEST_CASE("a script is found by its place") {
  Scripts scripts;
  scripts.pre_servicing = {Shell("a"), Shell("b")};
  scripts.post_configure = {Shell("c")};
  CHECK(FindScript(scripts, "preServicing[1]").first == &scripts.pre_servicing[1]);
  CHECK(FindScript(scripts, "postConfigure[0]").second == ScriptStage::kPostConfigure);
  CHECK(FindScript(scripts, "postProvision[0]").first == nullptr);
  CHECK(FindScript(scripts, "preServicing[2]").first == nullptr);
}

}  // namespace
}  // namespace trident
