#include "client/command_line.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <map>
#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "common/base/version.h"

namespace trident::client {
namespace {

constexpr char kFooter[] =
    "Exit status:\n"
    "  0    succeeded; also staged (when only that was allowed) and nothing to do\n"
    "  1    wrong arguments, or a file that cannot be read\n"
    "  2    configuration refused, or the job failed or was cancelled\n"
    "  3    rolled back: the host runs its previous system\n"
    "  4    no agent answers, or the host did not come back in time\n"
    "  130  interrupted; a job goes on in the agent\n";

constexpr char kFileHelp[] = "Host Configuration (YAML); - reads the standard input";

// Everything that the options are stored in, until the command runs.
struct Arguments {
  std::string server = kDefaultServer;
  double wait_seconds = 0;
  double reboot_timeout_seconds = 15 * 60;
  UpdateOptions update;
  bool no_wait = false;
  PlanOptions plan;
  std::string validate_file;
  bool status_follow = false;
  uint32_t jobs_limit = 0;
  std::string schema_format = "json";
  KickstartOptions kickstart;
  std::string job_id;
  bool finalize_follow = true;
};

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

int Run(const std::vector<std::string>& arguments, Session& session) {
  Arguments values;
  std::function<int()> command;
  constexpr double kLongestSeconds = 7 * 24 * 3600;

  CLI::App app("Drives a Trident agent: installs and updates the host that it runs on.",
               "tridentctl");
  app.require_subcommand(1);
  app.fallthrough();
  app.set_help_all_flag("--help-all", "Print the help of all commands");
  app.set_version_flag("--version", std::string("tridentctl ") + TRIDENT_VERSION);
  app.footer(kFooter);
  app.add_option("--server", values.server, "The agent: unix:PATH or HOST:PORT")
      ->capture_default_str()
      ->envname("TRIDENT_SERVER");
  const std::map<std::string, OutputFormat> formats = {
      {"text", OutputFormat::kText}, {"yaml", OutputFormat::kYaml}, {"json", OutputFormat::kJson}};
  app.add_option("-o,--output", session.format,
                 "text: for people. yaml: the Host Status, or the answer as a mapping. json: the "
                 "messages as protobuf JSON, one per line")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case))
      ->default_str("text")
      ->type_name("text|yaml|json");
  app.add_option("--wait", values.wait_seconds,
                 "Seconds to wait for the agent to be reachable before the first call")
      ->check(CLI::Range(0.0, kLongestSeconds))
      ->capture_default_str();

  const auto add = [&app](const char* name, const char* help) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->footer(kFooter);
    return sub;
  };
  const auto add_reboot_timeout = [&](CLI::App* sub) {
    sub->add_option("--reboot-timeout", values.reboot_timeout_seconds,
                    "Seconds to wait for a host that reboots, or for a lost connection")
        ->check(CLI::Range(0.0, kLongestSeconds))
        ->capture_default_str();
  };
  const auto add_job = [&](CLI::App* sub) {
    sub->add_option("job", values.job_id, "Id of the job; without it the active job");
  };

  CLI::App* update = add("update",
                         "Bring the host to a Host Configuration and watch it to the end, "
                         "across the reboot");
  update->add_option("-f,--file", values.update.file, kFileHelp)->required();
  update
      ->add_option(
          "--allowed-operations", values.update.allowed_operations,
          "What the agent may do: 'update' stages, 'transition' switches to what is staged, "
          "'update | transition' does both, '' only looks")
      ->capture_default_str();
  update->add_option("--plan-digest", values.update.plan_digest,
                     "Refuse unless planning gives exactly the plan with this digest (see plan)");
  update->add_flag("--force", values.update.force,
                   "Try a configuration again that was rolled back before, or install over an "
                   "installed disk");
  update->add_flag("--no-wait", values.no_wait, "Leave when the agent has taken the job");
  add_reboot_timeout(update);
  update->callback([&] {
    command = [&] {
      values.update.wait = !values.no_wait;
      return UpdateCommand(values.update, session);
    };
  });

  CLI::App* plan = add("plan", "Show what update would do; changes nothing");
  plan->add_option("-f,--file", values.plan.file, kFileHelp)->required();
  plan->add_flag("--force", values.plan.force, "As for update");
  plan->callback([&] { command = [&] { return PlanCommand(values.plan, session); }; });

  CLI::App* validate = add("validate", "Check a Host Configuration; needs no agent");
  validate->add_option("-f,--file", values.validate_file, kFileHelp)->required();
  validate->callback(
      [&] { command = [&] { return ValidateCommand(values.validate_file, session); }; });

  CLI::App* status = add("status", "Show the Host Status");
  status->add_flag("--follow", values.status_follow, "Show everything that happens from now on");
  add_reboot_timeout(status);
  status->callback([&] { command = [&] { return StatusCommand(values.status_follow, session); }; });

  CLI::App* get = add("get", "Show the Host Configuration that the host was last brought to");
  get->callback([&] { command = [&] { return GetCommand(session); }; });

  CLI::App* rebuild =
      add("rebuild-raid",
          "Take a blank disk into the place of one that RAID arrays lost, and watch "
          "until they are complete");
  add_reboot_timeout(rebuild);
  rebuild->callback([&] { command = [&] { return RebuildRaidCommand(session); }; });

  CLI::App* jobs = add("jobs", "List the recorded jobs, newest first");
  jobs->add_option("--limit", values.jobs_limit, "How many at most; 0: all")->capture_default_str();
  jobs->callback([&] { command = [&] { return JobsCommand(values.jobs_limit, session); }; });

  CLI::App* finalize = add("finalize", "Let a staged job go on to its end");
  add_job(finalize);
  finalize->add_flag("--follow,!--no-follow", values.finalize_follow,
                     "Watch the job to its end, across the reboot (the default)");
  add_reboot_timeout(finalize);
  finalize->callback([&] {
    command = [&] { return FinalizeCommand(values.job_id, values.finalize_follow, session); };
  });

  CLI::App* cancel = add("cancel", "End a job that has not begun to finalize");
  add_job(cancel);
  cancel->callback([&] { command = [&] { return CancelCommand(values.job_id, session); }; });

  CLI::App* rollback = add("rollback", "Go back to the previous volume");
  add_job(rollback);
  rollback->callback([&] { command = [&] { return RollbackCommand(values.job_id, session); }; });

  CLI::App* commit = add("commit", "Accept the running system without waiting for further checks");
  add_job(commit);
  commit->callback([&] { command = [&] { return CommitCommand(values.job_id, session); }; });

  CLI::App* schema =
      add("schema", "Print the JSON Schema of the Host Configuration; needs no agent");
  schema->add_option("--format", values.schema_format, "json, or markdown for people")
      ->capture_default_str()
      ->check(CLI::IsMember({"json", "markdown"}));
  schema->callback([&] {
    command = [&] { return SchemaCommand(values.schema_format == "markdown", session); };
  });

  CLI::App* kickstart = add("kickstart",
                            "Print the Host Configuration that a kickstart file means; needs no "
                            "agent, runs no scripts");
  kickstart->add_option("file", values.kickstart.file, "Kickstart; - reads the standard input")
      ->required();
  kickstart->add_flag("--dangerous-options", values.kickstart.dangerous_options,
                      "Translate passwords, for an agent that allows them");
  kickstart->callback(
      [&] { command = [&] { return KickstartCommand(values.kickstart, session); }; });

  CLI::App* version = add("version", "Show the version of this client and of the agent");
  version->callback([&] { command = [&] { return VersionCommand(session); }; });

  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, session.out, session.err) == 0 ? kExitSuccess : kExitUsage;
  }
  const auto target = ParseServer(values.server);
  if (!target.ok()) {
    PrintError(session.err, target.status());
    return kExitUsage;
  }
  session.target = *target;
  session.wait = Milliseconds(values.wait_seconds);
  session.patience.reboot_timeout = Milliseconds(values.reboot_timeout_seconds);
  return command();
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, Session& session) {
  try {
    return Run(arguments, session);
  } catch (const std::exception& exception) {
    session.err << "error: " << exception.what() << '\n';
    return kExitUsage;
  }
}

}  // namespace trident::client
