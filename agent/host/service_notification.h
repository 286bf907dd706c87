// What the agent says to systemd about itself, and the socket that it is handed. sd_listen_fds(3),
// sd_notify(3).
#ifndef TRIDENT_AGENT_HOST_SERVICE_NOTIFICATION_H_
#define TRIDENT_AGENT_HOST_SERVICE_NOTIFICATION_H_

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace trident {

// The listening unix socket that was handed over by socket activation, if any. Call once; the
// caller owns the descriptor. FAILED_PRECONDITION: descriptors were handed over, but not exactly
// one listening unix stream socket.
absl::StatusOr<std::optional<int>> InheritedSocket();

// Tells the service manager, if there is one, that the agent serves.
void NotifyReady(const std::string& status);
// One line about what it does now.
void NotifyStatus(const std::string& status);
// That it is going down.
void NotifyStopping();

// Within which time the service manager wants to hear of this process again and again; no value: it
// does not watch. sd_watchdog_enabled(3).
std::optional<std::chrono::microseconds> WatchdogInterval();
// That it is well.
void NotifyAlive();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_SERVICE_NOTIFICATION_H_
