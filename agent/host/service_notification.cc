#include "agent/host/service_notification.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {

absl::StatusOr<std::optional<int>> InheritedSocket() {
  const int count = sd_listen_fds(/*unset_environment=*/1);
  if (count < 0) {
    return ErrnoError(-count, "environment", "socket-activation",
                      "take over the socket from the service manager");
  }
  if (count == 0) return std::nullopt;
  if (count > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, nullptr, 0) <= 0) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "environment", "socket-activation",
        absl::StrCat("the service manager handed over ", count,
                     " descriptors, but one listening unix stream socket was expected"),
        "Give tridentd.socket exactly one ListenStream= with a path.");
  }
  return SD_LISTEN_FDS_START;
}

void NotifyReady(const std::string& status) {
  sd_notify(/*unset_environment=*/0, absl::StrCat("READY=1\nSTATUS=", status).c_str());
}

void NotifyStatus(const std::string& status) {
  sd_notify(/*unset_environment=*/0, absl::StrCat("STATUS=", status).c_str());
}

void NotifyStopping() { sd_notify(/*unset_environment=*/0, "STOPPING=1"); }

std::optional<std::chrono::microseconds> WatchdogInterval() {
  uint64_t micros = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &micros) <= 0) return std::nullopt;
  return std::chrono::microseconds(micros);
}

void NotifyAlive() { sd_notify(/*unset_environment=*/0, "WATCHDOG=1"); }

}  // namespace trident
