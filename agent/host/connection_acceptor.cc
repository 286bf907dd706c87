#include "agent/host/connection_acceptor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/host/unix_socket.h"
#include "common/base/error.h"
#include "common/base/logging.h"

namespace trident {
namespace {

// How long to wait when the process or the machine has no descriptors left: the waiting connection
// keeps its socket readable, and the loop must not spin until one is closed.
constexpr int kExhaustedPauseMilliseconds = 100;

bool PeerIsAllowed(int descriptor) {
  const auto peer = GetPeerCredentials(descriptor);
  if (!peer.ok()) {
    Log(LogLevel::kWarn, std::string{peer.status().message()});
    return false;
  }
  if (peer->uid == 0 || peer->uid == geteuid()) return true;
  Log(LogLevel::kWarn,
      absl::StrCat("refused a connection of user ", peer->uid, " (process ", peer->pid,
                   "): only root and user ", geteuid(), " may call this agent"));
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> ConnectionAcceptor::Start(
    std::vector<Listener> listeners) {
  const int stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_event < 0) {
    return ErrnoError(errno, "environment", "accept",
                      "cannot make an eventfd to accept connections");
  }
  std::unique_ptr<ConnectionAcceptor> acceptor(
      new ConnectionAcceptor(std::move(listeners), stop_event));
  try {
    acceptor->thread_ = std::thread([raw = acceptor.get()] { raw->Loop(); });
  } catch (const std::system_error& error) {
    return ErrnoError(error.code().value(), "environment", "accept",
                      "cannot start a thread to accept connections");
  }
  return acceptor;
}

ConnectionAcceptor::ConnectionAcceptor(std::vector<Listener> listeners, int stop_event)
    : listeners_(std::move(listeners)), stop_event_(stop_event) {}

ConnectionAcceptor::~ConnectionAcceptor() {
  Stop();
  close(stop_event_);
}

void ConnectionAcceptor::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  // An eventfd that cannot be written has been written already.
  [[maybe_unused]] const ssize_t written = write(stop_event_, &one, sizeof(one));
  thread_.join();
}

void ConnectionAcceptor::Loop() {
  std::vector<pollfd> waits = {{.fd = stop_event_, .events = POLLIN, .revents = 0}};
  for (const Listener& listener : listeners_) {
    waits.push_back({.fd = listener.descriptor, .events = POLLIN, .revents = 0});
  }
  while (true) {
    if (poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      Log(LogLevel::kError, absl::StrCat("no longer accepts connections: poll: ",
                                         std::system_category().message(errno)));
      return;
    }
    if (waits[0].revents != 0) return;
    bool exhausted = false;
    for (size_t i = 0; i < listeners_.size(); ++i) {
      if (waits[i + 1].revents == 0) continue;
      const int connection =
          accept4(waits[i + 1].fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (connection < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          exhausted = true;
          Log(LogLevel::kWarn, absl::StrCat("cannot accept a connection now: ",
                                            std::system_category().message(errno)));
        }
        continue;  // anything else is about that one connection, which is gone
      }
      if (listeners_[i].check_peer && !PeerIsAllowed(connection)) {
        close(connection);
        continue;
      }
      listeners_[i].accepted(connection);
    }
    if (exhausted) poll(waits.data(), 1, kExhaustedPauseMilliseconds);
  }
}

}  // namespace trident
