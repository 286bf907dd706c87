// One question to the kernel over a netlink socket, and all parts of its answer. netlink(7).
#ifndef TRIDENT_AGENT_HOST_NETLINK_H_
#define TRIDENT_AGENT_HOST_NETLINK_H_

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace trident {

using NetlinkBytes = std::span<const uint8_t>;

// The attributes (type, length, value) of a message, by type. A repeated one: the last.
std::map<uint16_t, NetlinkBytes> NetlinkAttributes(NetlinkBytes bytes);

// A value of trivial type at the begin of `bytes`, zero when they are too few.
template <typename T>
T NetlinkValue(NetlinkBytes bytes) {
  T value{};
  if (bytes.size() >= sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// A request of `type` with `flags` and the structure `body`, followed by attributes.
class NetlinkRequest {
 public:
  template <typename Body>
  NetlinkRequest(uint16_t type, uint16_t flags, const Body& body) {
    bytes_.resize(NLMSG_HDRLEN);
    Append(&body, sizeof(body));
    type_ = type;
    flags_ = flags;
  }
  void Add(uint16_t type, NetlinkBytes value);

  // Calls `part` with the type and the payload of each message of the answer. `protocol`:
  // NETLINK_ROUTE and so on. Errors have kind "network"; `attempt` says what was tried.
  absl::Status Ask(int protocol, std::string_view attempt,
                   const std::function<void(uint16_t, NetlinkBytes)>& part);

 private:
  void Append(const void* data, size_t size);

  std::vector<uint8_t> bytes_;
  uint16_t type_ = 0;
  uint16_t flags_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_NETLINK_H_
