#include "agent/network/reachability.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

const char* NameOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "IPv4" : "IPv6";
}

bool HasFamily(const std::vector<DefaultRoute>& routes, AddressFamily family) {
  return std::any_of(routes.begin(), routes.end(),
                     [family](const DefaultRoute& route) { return route.family == family; });
}

}  // namespace

absl::StatusOr<Reachability> ObserveReachability(NetworkState& network) {
  Reachability seen;
  TRIDENT_ASSIGN_OR_RETURN(seen.routes, network.DefaultRoutes());
  TRIDENT_ASSIGN_OR_RETURN(seen.connections, network.InboundConnections());
  return seen;
}

absl::StatusOr<ReachabilityVerdict> JudgeReachability(NetworkState& network,
                                                      const Reachability& before,
                                                      std::chrono::milliseconds since) {
  TRIDENT_ASSIGN_OR_RETURN(const Reachability now, ObserveReachability(network));
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    if (!HasFamily(before.routes, family)) continue;
    if (!HasFamily(now.routes, family)) {
      return ReachabilityVerdict{
          false, absl::StrCat("there is no default route of ", NameOf(family), " any more")};
    }
    std::string silent;
    bool answered = false;
    for (const DefaultRoute& route : now.routes) {
      if (route.family != family || answered) continue;
      TRIDENT_ASSIGN_OR_RETURN(answered, network.GatewayAnswered(route, since));
      silent = absl::StrCat("the gateway ", route.gateway, " on ", route.interface,
                            " has not answered yet");
    }
    if (!answered) return ReachabilityVerdict{false, silent};
  }
  if (before.connections.empty()) {
    return ReachabilityVerdict{true, before.routes.empty()
                                         ? "there was no way to other hosts that could be cut"
                                         : "the gateway of the default route answers"};
  }
  std::string heard;
  for (const InboundConnection& old : before.connections) {
    const auto current =
        std::find_if(now.connections.begin(), now.connections.end(),
                     [&old](const InboundConnection& connection) {
                       return connection.local == old.local && connection.peer == old.peer;
                     });
    if (current == now.connections.end()) continue;
    if (current->stuck) {
      return ReachabilityVerdict{
          false, absl::StrCat("the connection from ", old.peer, " does not get through")};
    }
    if (current->silence < since) heard = old.peer;
  }
  if (heard.empty()) {
    return ReachabilityVerdict{false,
                               "none of the connections from other hosts has been heard of since"};
  }
  return ReachabilityVerdict{true, absl::StrCat("the connection from ", heard, " still lives")};
}

}  // namespace trident
