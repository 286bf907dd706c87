#include <memory>
#include <optional>

#include "absl/synchronization/notification.h"
#include "agent/agent_process.h"
#include "agent/commands.h"
#include "agent/early_report.h"
#include "agent/host/service_notification.h"
#include "agent/host/stop_signals.h"
#include "common/base/error.h"

namespace trident {

absl::Status ServeCommand(const AgentOptions& options) {
  StopSignals signals;
  absl::Notification stop;
  signals.OnStop([&stop] { stop.Notify(); });
  TRIDENT_ASSIGN_OR_RETURN(const AgentConfiguration configuration, LoadAndReport(options));
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<int> socket, InheritedSocket());
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<AgentProcess> agent,
                           StartAgentProcess(options, configuration, socket));
  NotifyReady("serving");
  stop.WaitForNotification();
  NotifyStopping();
  agent->Shutdown();
  return absl::OkStatus();
}

}  // namespace trident
