#include "agent/agent_program.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/agent_options.h"
#include "agent/commands.h"
#include "agent/host/host_namespaces.h"
#include "agent/host/system_journal.h"
#include "agent/management/target_agent.h"
#include "common/base/error.h"
#include "common/base/logging.h"
#include "common/base/version.h"

namespace trident {
namespace {

constexpr int kSuccess = 0;
constexpr int kFailed = 2;

// Everything that is known about a failure, each part on a line of its own.
void LogFailure(const absl::Status& status) {
  const ErrorDetail detail = GetErrorDetail(status);
  spdlog::error("{}", detail.message);
  for (const std::string& cause : detail.causes) spdlog::error("because: {}", cause);
  for (const Finding& finding : detail.findings) {
    // One that is all there is, and stands nowhere in a document, has been said.
    if (detail.findings.size() == 1 && finding.line == 0) break;
    spdlog::error("{}{}{}{}",
                  finding.line == 0 ? "" : absl::StrCat(finding.line, ":", finding.column, ": "),
                  finding.path.empty() ? "" : finding.path + ": ", finding.reason,
                  finding.remedy.empty() ? "" : " (" + finding.remedy + ")");
  }
  if (!detail.remedy.empty()) spdlog::error("what to do: {}", detail.remedy);
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kSuccess;
  // Being asked to stop is not a failure: the job goes on at the next start.
  if (absl::IsCancelled(status)) {
    spdlog::info("{}", std::string{status.message()});
    return kSuccess;
  }
  LogFailure(status);
  return kFailed;
}

}  // namespace

int RunAgentProgram(int argc, char** argv, std::span<const Migration> migrations) {
  AgentOptions options;
  options.migrations = migrations;
  std::string verbosity = "WARN";
  std::string listen = std::string("unix:") + kDefaultSocketPath;
  std::string status_path;

  CLI::App app("The Trident agent: brings this host to a Host Configuration.");
  app.set_version_flag("--version", std::string("trident ") + TRIDENT_VERSION);
  app.fallthrough();
  app.require_subcommand(1);
  CLI::Option* config =
      app.add_option("-c,--config", options.config_path, "the agent's configuration file")
          ->capture_default_str();
  app.add_option("-v,--verbosity", verbosity, "OFF, ERROR, WARN, INFO, DEBUG or TRACE")
      ->capture_default_str();
  app.add_option("--listen", listen, "unix socket of the API, unix:PATH")->capture_default_str();
  app.add_option("--datastore", options.datastore_path,
                 "the store, instead of the configuration's `datastore`");
  app.footer(
      "Exit codes: 0 success, 2 failed (arguments included); 1 is kept for logging that cannot be "
      "set up.\n"
      "A plain user can try the API without touching the machine:\n"
      "  tridentd serve --listen unix:/tmp/t.sock --datastore /tmp/t.sqlite");

  app.add_subcommand("serve", "serve the API until asked to end (the daemon)");
  CLI::App* run = app.add_subcommand("run", "bring the host to the configured Host Configuration");
  run->add_option("-s,--status", status_path, "write the resulting Host Status to this file");
  CLI::App* get = app.add_subcommand("get", "print the Host Status");
  get->add_option("-s,--status", status_path, "write it to this file instead");
  app.add_subcommand("start-network", "configure the network of the provisioning OS");
  std::string kickstart_file;
  bool dangerous_options = false;
  CLI::App* parse_kickstart = app.add_subcommand(
      "parse-kickstart", "print the Host Configuration that a kickstart file means");
  parse_kickstart->add_option("file", kickstart_file, "the kickstart file")->required();
  parse_kickstart->add_flag("--dangerous-options", dangerous_options,
                            "translate passwords, for an agent that allows them");
  // Asked by another agent that is about to hand its store over (management/target_agent.h).
  CLI::App* store_range = app.add_subcommand("store-range", "print the store versions it can read");
  store_range->group("");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version come this way too, with exit code 0.
    return app.exit(error) == 0 ? kSuccess : kFailed;
  }
  const absl::StatusOr<LogLevel> level = ParseLogLevel(verbosity);
  if (!level.ok()) return ExitCodeOf(level.status());
  SetUpLogging(*level, MakeSystemJournalWriter());
  const std::string command = app.get_subcommands().front()->get_name();
  // The other two look at nothing but their arguments.
  if (command != "parse-kickstart" && command != "store-range") {
    const absl::Status entered =
        EnterHostOfContainer({options.config_path, StorePathOf(options, AgentConfiguration{})},
                             [argv] { return RestartProgram(argv); });
    if (!entered.ok()) return ExitCodeOf(entered);
  }
  options.config_named = config->count() > 0;
  if (!status_path.empty()) options.status_path = status_path;
  absl::StatusOr<std::string> socket = SocketPathOf(listen);
  if (!socket.ok()) return ExitCodeOf(socket.status());
  options.socket_path = *std::move(socket);

  if (command == "serve") return ExitCodeOf(ServeCommand(options));
  if (command == "run") return ExitCodeOf(RunCommand(options));
  if (command == "get") return ExitCodeOf(GetCommand(options));
  if (command == "parse-kickstart") {
    return ExitCodeOf(ParseKickstartCommand(kickstart_file, dangerous_options));
  }
  if (command == "store-range") {
    std::cout << FormatStoreRange(RangeOf(migrations)) << "\n";
    return kSuccess;
  }
  return ExitCodeOf(StartNetworkCommand(options));
}

}  // namespace trident
