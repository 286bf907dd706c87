// systemd, asked over D-Bus. org.freedesktop.systemd1(5).
#ifndef TRIDENT_AGENT_HOST_SERVICE_MANAGER_H_
#define TRIDENT_AGENT_HOST_SERVICE_MANAGER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

// Each call makes a connection of its own: systemd may be restarted or reloaded meanwhile. Calls
// take at most some seconds. UNAVAILABLE, retryable: nobody answers.
class ServiceManager {
 public:
  // Addresses as of sd_bus_set_address(3), tried in this order. The empty word is the system bus.
  explicit ServiceManager(std::vector<std::string> addresses);

  // systemd's own socket, which works for root without a D-Bus daemon, then the system bus.
  static ServiceManager OfThisMachine();

  // "active", "inactive", "activating", "deactivating", "failed", "reloading".
  absl::StatusOr<std::string> ActiveState(const std::string& unit) const;
  // Queues a start job; does not wait for it. `mode`: "replace-irreversibly" and so on.
  absl::Status StartUnit(const std::string& unit, const std::string& mode) const;

 private:
  std::vector<std::string> addresses_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_SERVICE_MANAGER_H_
