// A change of the running system's network that takes itself back unless the host stays reachable.
#ifndef TRIDENT_AGENT_NETWORK_LIVE_NETWORK_H_
#define TRIDENT_AGENT_NETWORK_LIVE_NETWORK_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "agent/host/cancellation.h"
#include "agent/host/clock.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/host/network_state.h"
#include "agent/network/reachability.h"
#include "common/base/yaml_value.h"

namespace trident {

struct LiveNetworkOptions {
  // How long a change waits for its proof or for a confirmation.
  std::chrono::milliseconds limit = std::chrono::seconds(120);
  // After `netplan apply` has returned: the network is still being rearranged, and what is heard
  // proves nothing.
  std::chrono::milliseconds settling = std::chrono::seconds(5);
  // From one look to the next.
  std::chrono::milliseconds interval = std::chrono::milliseconds(500);
  // Between two words to those who follow, who prove with their acknowledgement that they are
  // there.
  std::chrono::milliseconds telling = std::chrono::seconds(10);
};

// What was there before is kept in the file `record` until the change is accepted or taken back.
// That the change was made by this process is known in memory only: another process, after a
// restart of the agent or of the machine, finds the record and refuses to go on, so that the change
// is taken back. One change at a time.
class LiveNetwork {
 public:
  LiveNetwork(Files& files, CommandRunner& commands, NetworkState& network, Clock& clock,
              LiveNetworkOptions options)
      : files_(files), commands_(commands), network_(network), clock_(clock), options_(options) {}

  // Writes the document (no value: removes it) and applies it. Running it twice in one process is
  // the same as once.
  absl::Status Apply(const std::string& job_id, const std::optional<YamlValue>& network,
                     const std::string& record, const Cancellation& cancellation);

  struct Waiting {
    std::function<bool()> confirmed;
    std::function<void(std::string_view)> tell;
    const Cancellation& cancellation;
  };
  // Waits for the proof or the confirmation, then gives the record up. DEADLINE_EXCEEDED: neither
  // came, ABORTED: another process made the change; then Undo.
  absl::Status AwaitConfirmation(const std::string& job_id, const std::string& record,
                                 const Waiting& waiting);

  // Makes the network what it was before. OK when there is nothing to take back. Repeatable.
  absl::Status Undo(const std::string& record);

 private:
  struct Previous {
    std::string job_id;
    std::optional<std::string> document;  // no value: there was none
  };
  struct Applied {
    std::string job_id;
    Reachability before;
    int64_t at = 0;  // Clock::BootNanos
  };

  // No value: nothing is to be taken back.
  absl::StatusOr<std::optional<Previous>> ReadRecord(const std::string& record) const;
  absl::Status GiveUp(const std::string& record);
  absl::Status WriteRecord(const std::string& record, const std::string& job_id);
  bool IsOurs(const std::string& job_id) const { return applied_ && applied_->job_id == job_id; }

  Files& files_;
  CommandRunner& commands_;
  NetworkState& network_;
  Clock& clock_;
  const LiveNetworkOptions options_;
  std::optional<Applied> applied_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_NETWORK_LIVE_NETWORK_H_
