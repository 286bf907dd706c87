// Listening unix sockets: the door of the API.
#ifndef TRIDENT_AGENT_HOST_UNIX_SOCKET_H_
#define TRIDENT_AGENT_HOST_UNIX_SOCKET_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

// A listening unix stream socket, and its name in the file system when it made that.
class UnixSocket {
 public:
  // Creates a socket at `path` that only its owner may connect to (mode 0600 from its first instant
  // on), with the folder (0700) when that is missing. A socket that a dead agent left behind is
  // replaced; ALREADY_EXISTS when someone answers there, or when `path` is no socket. Error kind
  // "environment".
  static absl::StatusOr<std::unique_ptr<UnixSocket>> Listen(const std::string& path);

  // Takes over a listening descriptor that was inherited (systemd socket activation).
  // INVALID_ARGUMENT when it is not a listening unix stream socket; it is closed then.
  static absl::StatusOr<std::unique_ptr<UnixSocket>> Adopt(int descriptor);

  // Closes. Removes the name, if Listen made it and it is still ours.
  ~UnixSocket();
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;

  // Not blocking; stays ours.
  int descriptor() const { return descriptor_; }

 private:
  UnixSocket(int descriptor, std::string path);

  const int descriptor_;
  const std::string path_;  // empty: the name is not ours
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Who is at the other end of a connected unix socket, as the kernel recorded at connect(2).
struct PeerCredentials {
  uid_t uid = 0;
  pid_t pid = 0;
};
absl::StatusOr<PeerCredentials> GetPeerCredentials(int descriptor);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_UNIX_SOCKET_H_
