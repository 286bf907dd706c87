#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/host/file_descriptor.h"
#include "agent/host/netlink.h"
#include "agent/host/network_state.h"
#include "common/base/error.h"

namespace trident {
namespace {

// States of a TCP socket as the kernel counts them (include/net/tcp_states.h).
constexpr uint8_t kTcpEstablished = 1;
constexpr uint8_t kTcpListen = 10;

constexpr uint16_t kDiscardPort = 9;

std::string AddressText(int family, NetlinkBytes bytes) {
  if (bytes.size() < (family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr))) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? "" : text.data();
}

std::string InterfaceName(unsigned index) {
  std::array<char, IF_NAMESIZE> name{};
  return if_indextoname(index, name.data()) == nullptr ? "" : name.data();
}

int FamilyOf(const DefaultRoute& route) {
  return route.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
}

// One way of a route: the whole route, or one of several next hops.
void AddWay(int family, unsigned flags, unsigned interface, NetlinkBytes gateway,
            std::vector<DefaultRoute>& routes) {
  if ((flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0) return;
  DefaultRoute route;
  route.family = family == AF_INET ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  route.interface = InterfaceName(interface);
  route.gateway = AddressText(family, gateway);
  if (!route.interface.empty()) routes.push_back(std::move(route));
}

void AddRoute(NetlinkBytes payload, std::vector<DefaultRoute>& routes) {
  const auto message = NetlinkValue<rtmsg>(payload);
  if (payload.size() < sizeof(rtmsg) || message.rtm_dst_len != 0 ||
      message.rtm_type != RTN_UNICAST || message.rtm_table != RT_TABLE_MAIN) {
    return;
  }
  auto attributes = NetlinkAttributes(payload.subspan(NLMSG_ALIGN(sizeof(rtmsg))));
  const auto hops = attributes.find(RTA_MULTIPATH);
  if (hops == attributes.end()) {
    AddWay(message.rtm_family, message.rtm_flags, NetlinkValue<uint32_t>(attributes[RTA_OIF]),
           attributes[RTA_GATEWAY], routes);
    return;
  }
  NetlinkBytes rest = hops->second;
  while (rest.size() >= sizeof(rtnexthop)) {
    const auto hop = NetlinkValue<rtnexthop>(rest);
    if (hop.rtnh_len < sizeof(rtnexthop) || hop.rtnh_len > rest.size()) return;
    auto inner =
        NetlinkAttributes(rest.subspan(sizeof(rtnexthop), hop.rtnh_len - sizeof(rtnexthop)));
    AddWay(message.rtm_family, hop.rtnh_flags, static_cast<unsigned>(hop.rtnh_ifindex),
           inner[RTA_GATEWAY], routes);
    const size_t step = RTNH_ALIGN(static_cast<size_t>(hop.rtnh_len));
    if (step >= rest.size()) return;
    rest = rest.subspan(step);
  }
}

// Of an address of inet_diag, which has room for IPv6. An IPv4 address within IPv6 is IPv4.
struct Endpoint {
  std::string address;
  bool loopback = false;
  uint16_t port = 0;
};

Endpoint EndpointOf(int family, const uint32_t (&words)[4], uint16_t port) {
  Endpoint endpoint;
  endpoint.port = ntohs(port);
  std::array<uint8_t, sizeof(in6_addr)> bytes{};
  std::memcpy(bytes.data(), words, sizeof(words));
  in6_addr v6 = {};
  std::memcpy(&v6, bytes.data(), sizeof(v6));
  NetlinkBytes address(bytes);
  if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6)) {
    family = AF_INET;
    address = address.subspan(12);
  }
  endpoint.address = AddressText(family, address);
  endpoint.loopback = family == AF_INET ? address[0] == 127 : IN6_IS_ADDR_LOOPBACK(&v6);
  return endpoint;
}

std::string EndpointText(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", endpoint.address, v6 ? "]:" : ":", endpoint.port);
}

// What is known of the gateway as a neighbour.
struct Neighbour {
  bool is_permanent = false;
  bool is_failed = false;
  std::chrono::milliseconds confirmed{};  // ago
};

absl::StatusOr<std::optional<Neighbour>> FindNeighbour(int family, unsigned interface,
                                                       const std::string& address) {
  ndmsg wanted = {};
  wanted.ndm_family = static_cast<uint8_t>(family);
  std::optional<Neighbour> found;
  const auto ticks_per_second = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  NetlinkRequest request(RTM_GETNEIGH, NLM_F_DUMP, wanted);
  TRIDENT_RETURN_IF_ERROR(
      request.Ask(NETLINK_ROUTE, "list the neighbours", [&](uint16_t type, NetlinkBytes payload) {
        const auto message = NetlinkValue<ndmsg>(payload);
        if (type != RTM_NEWNEIGH || payload.size() < sizeof(ndmsg) ||
            static_cast<unsigned>(message.ndm_ifindex) != interface) {
          return;
        }
        auto attributes = NetlinkAttributes(payload.subspan(NLMSG_ALIGN(sizeof(ndmsg))));
        if (AddressText(family, attributes[NDA_DST]) != address) return;
        const auto cache = NetlinkValue<nda_cacheinfo>(attributes[NDA_CACHEINFO]);
        found = Neighbour{
            .is_permanent = (message.ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0,
            .is_failed = (message.ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0,
            .confirmed = std::chrono::milliseconds(uint64_t{cache.ndm_confirmed} * 1000 /
                                                   std::max<uint64_t>(1, ticks_per_second))};
      }));
  return found;
}

// Makes the kernel look for the neighbour: an entry that it has is probed anew, and a datagram that
// nobody wants makes it ask when it has none.
void ProbeNeighbour(int family, unsigned interface, const std::string& address, bool known) {
  std::array<uint8_t, sizeof(in6_addr)> bytes{};
  inet_pton(family, address.c_str(), bytes.data());
  const NetlinkBytes destination(bytes.data(),
                                 family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr));
  if (known) {
    ndmsg probe = {};
    probe.ndm_family = static_cast<uint8_t>(family);
    probe.ndm_ifindex = static_cast<int>(interface);
    probe.ndm_state = NUD_PROBE;
    NetlinkRequest request(RTM_NEWNEIGH, NLM_F_REPLACE | NLM_F_ACK, probe);
    request.Add(NDA_DST, destination);
    // An entry that is gone meanwhile is what the datagram is for.
    request.Ask(NETLINK_ROUTE, "probe a neighbour", [](uint16_t, NetlinkBytes) {}).IgnoreError();
  }
  const FileDescriptor socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return;
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(kDiscardPort);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(kDiscardPort);
  v6.sin6_scope_id = interface;
  std::memcpy(&v4.sin_addr, bytes.data(), sizeof(v4.sin_addr));
  std::memcpy(&v6.sin6_addr, bytes.data(), sizeof(v6.sin6_addr));
  const auto* const target = family == AF_INET ? reinterpret_cast<const sockaddr*>(&v4)
                                               : reinterpret_cast<const sockaddr*>(&v6);
  // Without a route there it fails, which the neighbour's silence tells as well.
  const char nothing = 0;
  (void)sendto(socket.get(), &nothing, sizeof(nothing), 0, target,
               family == AF_INET ? sizeof(v4) : sizeof(v6));
}

class LinuxNetworkState : public NetworkState {
 public:
  absl::StatusOr<std::vector<DefaultRoute>> DefaultRoutes() override {
    std::vector<DefaultRoute> routes;
    for (const int family : {AF_INET, AF_INET6}) {
      rtmsg wanted = {};
      wanted.rtm_family = static_cast<uint8_t>(family);
      NetlinkRequest request(RTM_GETROUTE, NLM_F_DUMP, wanted);
      TRIDENT_RETURN_IF_ERROR(
          request.Ask(NETLINK_ROUTE, "list the routes", [&](uint16_t type, NetlinkBytes payload) {
            if (type == RTM_NEWROUTE) AddRoute(payload, routes);
          }));
    }
    return routes;
  }

  absl::StatusOr<std::vector<InboundConnection>> InboundConnections() override {
    std::set<uint16_t> listening;
    struct Established {
      Endpoint local;
      Endpoint peer;
      tcp_info info;
    };
    std::vector<Established> established;
    for (const int family : {AF_INET, AF_INET6}) {
      inet_diag_req_v2 wanted = {};
      wanted.sdiag_family = static_cast<uint8_t>(family);
      wanted.sdiag_protocol = IPPROTO_TCP;
      wanted.idiag_ext = 1 << (INET_DIAG_INFO - 1);
      wanted.idiag_states = (1U << kTcpEstablished) | (1U << kTcpListen);
      NetlinkRequest request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, wanted);
      TRIDENT_RETURN_IF_ERROR(request.Ask(
          NETLINK_SOCK_DIAG, "list the TCP connections", [&](uint16_t, NetlinkBytes payload) {
            if (payload.size() < sizeof(inet_diag_msg)) return;
            const auto message = NetlinkValue<inet_diag_msg>(payload);
            const Endpoint local = EndpointOf(family, message.id.idiag_src, message.id.idiag_sport);
            if (message.idiag_state == kTcpListen) {
              listening.insert(local.port);
              return;
            }
            auto attributes =
                NetlinkAttributes(payload.subspan(NLMSG_ALIGN(sizeof(inet_diag_msg))));
            // An older kernel's structure is shorter: the rest stays zero.
            tcp_info info = {};
            const NetlinkBytes bytes = attributes[INET_DIAG_INFO];
            std::memcpy(&info, bytes.data(), std::min(bytes.size(), sizeof(info)));
            established.push_back(
                {local, EndpointOf(family, message.id.idiag_dst, message.id.idiag_dport), info});
          }));
    }
    std::vector<InboundConnection> inbound;
    for (const Established& one : established) {
      // To itself a host is connected in any case.
      if (!listening.contains(one.local.port) || one.peer.loopback ||
          one.peer.address == one.local.address) {
        continue;
      }
      inbound.push_back({.local = EndpointText(one.local),
                         .peer = EndpointText(one.peer),
                         .silence = std::chrono::milliseconds(
                             std::min(one.info.tcpi_last_ack_recv, one.info.tcpi_last_data_recv)),
                         .stuck = one.info.tcpi_unacked > 0 && one.info.tcpi_retransmits > 0});
    }
    return inbound;
  }

  absl::StatusOr<bool> GatewayAnswered(const DefaultRoute& route,
                                       std::chrono::milliseconds within) override {
    if (route.gateway.empty()) return true;
    const int family = FamilyOf(route);
    const unsigned interface = if_nametoindex(route.interface.c_str());
    if (interface == 0) return false;
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<Neighbour> neighbour,
                             FindNeighbour(family, interface, route.gateway));
    if (neighbour && neighbour->is_permanent) return true;
    if (neighbour && !neighbour->is_failed && neighbour->confirmed < within) return true;
    ProbeNeighbour(family, interface, route.gateway, neighbour && !neighbour->is_failed);
    return false;
  }
};

}  // namespace

std::unique_ptr<NetworkState> MakeLinuxNetworkState() {
  return std::make_unique<LinuxNetworkState>();
}

}  // namespace trident
