#include "agent/host/unix_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr char kKind[] = "environment";
constexpr int kBacklog = 1024;

// Closes at the end of its scope, unless released.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  int Release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, kKind, "socket-path",
        absl::StrCat("cannot listen on the unix socket '", path, "': a path of 1 to ",
                     sizeof(address.sun_path) - 1, " bytes is needed, this one has ", path.size()),
        "Choose a shorter path, such as /run/trident/trident.sock.");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// OK when nobody listens at `path`, so that it may be removed.
absl::Status CheckStale(const std::string& path, const sockaddr_un& address) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return ErrnoError(errno, kKind, "socket-path", absl::StrCat("cannot look at ", path));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return MakeError(
        absl::StatusCode::kAlreadyExists, kKind, "socket-path",
        absl::StrCat("cannot listen on ", path, ": there is something that is no socket"),
        "Move it away, or listen on another path.");
  }
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return ErrnoError(errno, kKind, "socket", "cannot make a unix socket");
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) {
    return MakeError(absl::StatusCode::kAlreadyExists, kKind, "socket-in-use",
                     absl::StrCat("cannot listen on ", path, ": another agent answers there"),
                     "Stop the other agent (systemctl stop trident), or listen on another path.");
  }
  if (errno == ECONNREFUSED || errno == ENOENT) return absl::OkStatus();
  return ErrnoError(errno, kKind, "socket-path",
                    absl::StrCat("cannot find out whether an agent listens on ", path));
}

}  // namespace

UnixSocket::UnixSocket(int descriptor, std::string path)
    : descriptor_(descriptor), path_(std::move(path)) {
  struct stat status = {};
  if (!path_.empty() && lstat(path_.c_str(), &status) == 0) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
}

UnixSocket::~UnixSocket() {
  close(descriptor_);
  struct stat status = {};
  if (!path_.empty() && lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    unlink(path_.c_str());
  }
}

absl::StatusOr<std::unique_ptr<UnixSocket>> UnixSocket::Listen(const std::string& path) {
  TRIDENT_ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  const std::string attempt = absl::StrCat("cannot listen on the unix socket ", path);

  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (mkdir(folder.c_str(), 0700) != 0 && errno == ENOENT) {
    // Folders above the last one are everybody's; only the last one is for the socket.
    std::error_code error;
    std::filesystem::create_directories(folder.parent_path(), error);
    if (error || mkdir(folder.c_str(), 0700) != 0) {
      return ErrnoError(error ? error.value() : errno, kKind, "socket-folder",
                        absl::StrCat(attempt, ": cannot make the folder ", folder.string()));
    }
  }
  // Two agents that start at the same time must not remove each other's socket: the look at the old
  // one and its replacement happen under a lock, on the folder because that leaves nothing behind.
  const Descriptor lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0) return ErrnoError(errno, kKind, "socket-folder", attempt);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return ErrnoError(errno, kKind, "socket-folder",
                      absl::StrCat(attempt, ": another process holds the lock of its folder"));
  }

  Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) return ErrnoError(errno, kKind, "socket", attempt);
  // Linux gives the name the mode that the socket's inode has at bind(2), so there is no instant at
  // which others could connect, and the umask of the process, which threads share, stays alone.
  if (fchmod(listener.get(), 0600) != 0) return ErrnoError(errno, kKind, "socket", attempt);
  TRIDENT_RETURN_IF_ERROR(CheckStale(path, address));
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoError(errno, kKind, "socket-path",
                      absl::StrCat(attempt, ": cannot remove the one that a dead agent left"));
  }
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoError(errno, kKind, "socket-path", attempt);
  }
  if (listen(listener.get(), kBacklog) != 0) {
    return ErrnoError(errno, kKind, "socket", attempt);
  }
  return std::unique_ptr<UnixSocket>(new UnixSocket(listener.Release(), path));
}

absl::StatusOr<std::unique_ptr<UnixSocket>> UnixSocket::Adopt(int descriptor) {
  Descriptor listener(descriptor);
  const auto option = [&](int name) {
    int value = 0;
    socklen_t size = sizeof(value);
    return getsockopt(listener.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_DOMAIN) != AF_UNIX || option(SO_TYPE) != SOCK_STREAM ||
      option(SO_ACCEPTCONN) != 1) {
    return MakeError(absl::StatusCode::kInvalidArgument, kKind, "socket",
                     absl::StrCat("the inherited descriptor ", descriptor,
                                  " is not a listening unix stream socket"),
                     "Use ListenStream=/run/trident/trident.sock in the socket unit.");
  }
  const int flags = fcntl(listener.get(), F_GETFL);
  if (flags < 0 || fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(listener.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return ErrnoError(errno, kKind, "socket",
                      absl::StrCat("cannot take over the inherited descriptor ", descriptor));
  }
  return std::unique_ptr<UnixSocket>(new UnixSocket(listener.Release(), ""));
}

absl::StatusOr<PeerCredentials> GetPeerCredentials(int descriptor) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return ErrnoError(errno, kKind, "socket", "cannot find out who connected");
  }
  return PeerCredentials{.uid = credentials.uid, .pid = credentials.pid};
}

}  // namespace trident
