#include "agent/host/netlink.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "agent/host/file_descriptor.h"
#include "common/base/error.h"

namespace trident {
namespace {

// The kernel answers at once; this is only so that nothing waits forever.
constexpr int kSeconds = 5;
constexpr size_t kBuffer = size_t{64} * 1024;

}  // namespace

std::map<uint16_t, NetlinkBytes> NetlinkAttributes(NetlinkBytes bytes) {
  std::map<uint16_t, NetlinkBytes> attributes;
  while (bytes.size() >= sizeof(nlattr)) {
    const auto head = NetlinkValue<nlattr>(bytes);
    if (head.nla_len < NLA_HDRLEN || head.nla_len > bytes.size()) break;
    attributes[head.nla_type & NLA_TYPE_MASK] =
        bytes.subspan(NLA_HDRLEN, head.nla_len - NLA_HDRLEN);
    const size_t step = NLA_ALIGN(head.nla_len);
    if (step >= bytes.size()) break;
    bytes = bytes.subspan(step);
  }
  return attributes;
}

void NetlinkRequest::Append(const void* data, size_t size) {
  const auto* const begin = static_cast<const uint8_t*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

void NetlinkRequest::Add(uint16_t type, NetlinkBytes value) {
  const nlattr head = {.nla_len = static_cast<uint16_t>(NLA_HDRLEN + value.size()),
                       .nla_type = type};
  Append(&head, sizeof(head));
  Append(value.data(), value.size());
}

absl::Status NetlinkRequest::Ask(int protocol, std::string_view attempt,
                                 const std::function<void(uint16_t, NetlinkBytes)>& part) {
  const auto failed = [attempt](int error_number) {
    return ErrnoError(error_number, "network", "netlink", attempt);
  };
  const nlmsghdr head = {.nlmsg_len = static_cast<uint32_t>(bytes_.size()),
                         .nlmsg_type = type_,
                         .nlmsg_flags = static_cast<uint16_t>(flags_ | NLM_F_REQUEST),
                         .nlmsg_seq = 1,
                         .nlmsg_pid = 0};
  std::memcpy(bytes_.data(), &head, sizeof(head));
  const FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket.valid()) return failed(errno);
  const timeval limit = {.tv_sec = kSeconds, .tv_usec = 0};
  if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0) {
    return failed(errno);
  }
  if (send(socket.get(), bytes_.data(), bytes_.size(), 0) < 0) return failed(errno);
  std::vector<uint8_t> buffer(kBuffer);
  while (true) {
    const ssize_t received = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return failed(errno);
    NetlinkBytes rest(buffer.data(), static_cast<size_t>(received));
    while (rest.size() >= sizeof(nlmsghdr)) {
      const auto message = NetlinkValue<nlmsghdr>(rest);
      if (message.nlmsg_len < NLMSG_HDRLEN || message.nlmsg_len > rest.size()) break;
      const NetlinkBytes payload =
          rest.subspan(NLMSG_HDRLEN, message.nlmsg_len - static_cast<size_t>(NLMSG_HDRLEN));
      if (message.nlmsg_type == NLMSG_DONE) return absl::OkStatus();
      if (message.nlmsg_type == NLMSG_ERROR) {
        const int error_number = -NetlinkValue<nlmsgerr>(payload).error;
        return error_number == 0 ? absl::OkStatus() : failed(error_number);
      }
      part(message.nlmsg_type, payload);
      const size_t step = NLMSG_ALIGN(message.nlmsg_len);
      if (step >= rest.size()) break;
      rest = rest.subspan(step);
    }
  }
}

}  // namespace trident
