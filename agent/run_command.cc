#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/agent_process.h"
#include "agent/commands.h"
#include "agent/daemon_client.h"
#include "agent/early_report.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/host/service_notification.h"
#include "agent/host/stop_signals.h"
#include "agent/kickstart/kickstart_document.h"
#include "agent/kickstart/pre_scripts.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident {
namespace {

// What a signal ends: the scripts of a kickstart and, once there is one, the conversation with the
// agent.
class Interruption {
 public:
  void Stop() {
    cancellation_.Cancel();
    const std::lock_guard lock(mutex_);
    if (daemon_ != nullptr) daemon_->Interrupt();
  }
  // `daemon` must outlive the last Stop.
  void Attach(DaemonClient& daemon) {
    const std::lock_guard lock(mutex_);
    daemon_ = &daemon;
    if (cancellation_.cancelled()) daemon.Interrupt();
  }
  const Cancellation& cancellation() const { return cancellation_; }

 private:
  Cancellation cancellation_;
  std::mutex mutex_;
  DaemonClient* daemon_ = nullptr;
};

absl::StatusOr<std::string> ConfiguredKickstart(const AgentConfiguration& configuration,
                                                const Cancellation& cancellation) {
  const std::unique_ptr<Files> files = MakeLinuxFiles();
  const std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  PreScripts scripts(*files, *commands, cancellation);
  kickstart::Options options;
  options.pre_scripts = &scripts;
  options.dangerous_passwords = configuration.dangerous_options;
  absl::StatusOr<std::string> document = KickstartDocument(
      configuration.kickstart, configuration.kickstart_file.value_or(""), *files, options);
  if (cancellation.cancelled()) return absl::CancelledError("asked to stop");
  return document;
}

// The document that the agent's configuration names, as YAML; empty: none.
absl::StatusOr<std::string> ConfiguredDocument(const AgentConfiguration& configuration,
                                               const Cancellation& cancellation) {
  if (configuration.kickstart || configuration.kickstart_file) {
    return ConfiguredKickstart(configuration, cancellation);
  }
  if (configuration.host_configuration) {
    return WriteHostConfiguration(*configuration.host_configuration);
  }
  if (!configuration.host_configuration_file) return std::string();
  const std::string& path = *configuration.host_configuration_file;
  absl::StatusOr<std::string> text = MakeLinuxFiles()->Read(path);
  TRIDENT_RETURN_IF_ERROR(
      Annotate(text.status(), absl::StrCat("read the Host Configuration ", path)));
  // Parsed here too, so that findings are logged with the file's lines.
  TRIDENT_RETURN_IF_ERROR(Annotate(ParseHostConfiguration(*text).status(), path));
  return text;
}

absl::Status WriteStatus(DaemonClient& daemon, const std::string& path) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string status, daemon.Status());
  return MakeLinuxFiles()->Write(path, status, 0644);
}

void LogUnwritten(const AgentOptions& options, const absl::Status& written) {
  if (written.ok()) return;
  spdlog::error("the Host Status could not be written to {}: {}", *options.status_path,
                std::string{written.message()});
}

}  // namespace

absl::Status RunCommand(const AgentOptions& options) {
  Interruption stop;
  std::unique_ptr<AgentProcess> agent;
  absl::StatusOr<std::unique_ptr<DaemonClient>> daemon = absl::UnavailableError("not connected");
  // After what its handler uses, and before the first thread.
  StopSignals signals;
  TRIDENT_ASSIGN_OR_RETURN(const AgentConfiguration configuration, LoadAndReport(options));
  signals.OnStop([&stop] { stop.Stop(); });
  const absl::StatusOr<std::string> document =
      ConfiguredDocument(configuration, stop.cancellation());
  if (!document.ok()) {
    if (!absl::IsCancelled(document.status())) ReportWithoutJob(configuration, document.status());
    if (options.status_path) LogUnwritten(options, GetCommand(options));
    return document.status();
  }

  // Without an agent that serves, this process is the agent, at the same socket, so that a client
  // can watch it.
  daemon = ConnectToDaemon(options.socket_path);
  if (absl::IsUnavailable(daemon.status())) {
    TRIDENT_ASSIGN_OR_RETURN(agent, StartAgentProcess(options, configuration, std::nullopt));
    daemon = ConnectToDaemon(options.socket_path);
  }
  TRIDENT_RETURN_IF_ERROR(daemon.status());
  stop.Attach(**daemon);
  absl::Status outcome = (*daemon)->Run(*document);
  // How a job ends is reported by the agent that runs it.
  if (!(*daemon)->job_seen() && !absl::IsCancelled(outcome)) {
    ReportWithoutJob(configuration, outcome);
  }
  if (options.status_path) LogUnwritten(options, WriteStatus(**daemon, *options.status_path));
  if (agent != nullptr) {
    if (configuration.grpc && !stop.cancellation().cancelled()) {
      if (!outcome.ok()) spdlog::error("{}", std::string{outcome.message()});
      NotifyReady("serving");
      while (!stop.cancellation().WaitFor(std::chrono::hours(24))) {
      }
    }
    agent->Shutdown();
  }
  return outcome;
}

}  // namespace trident
