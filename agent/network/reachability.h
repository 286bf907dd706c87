// Whether a host that could be reached before a change can still be reached after it.
#ifndef TRIDENT_AGENT_NETWORK_REACHABILITY_H_
#define TRIDENT_AGENT_NETWORK_REACHABILITY_H_

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/host/network_state.h"

namespace trident {

// How the host could be reached before.
struct Reachability {
  std::vector<DefaultRoute> routes;
  std::vector<InboundConnection> connections;
};

absl::StatusOr<Reachability> ObserveReachability(NetworkState& network);

struct ReachabilityVerdict {
  bool proven = false;
  std::string words;  // what proves it, or what is missing
};

// Proven when, heard within the time `since` (from the change until now):
//   - each family of addresses that had a default route has one, whose gateway has answered;
//   - of the connections from other hosts that were there before, one at least has been heard of,
//     and none is stuck. That all of them have ended proves nothing.
// A host without default route and connections has nothing to lose: proven.
absl::StatusOr<ReachabilityVerdict> JudgeReachability(NetworkState& network,
                                                      const Reachability& before,
                                                      std::chrono::milliseconds since);

}  // namespace trident

#endif  // TRIDENT_AGENT_NETWORK_REACHABILITY_H_
