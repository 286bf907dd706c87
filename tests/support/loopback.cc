#include "tests/support/loopback.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace trident::test {
namespace {

sockaddr_in Address(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Socket Listen(uint16_t* port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(socket.valid());
  sockaddr_in address = Address(0);
  REQUIRE(bind(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(socket.descriptor(), 16) == 0);
  socklen_t length = sizeof address;
  REQUIRE(getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  *port = ntohs(address.sin_port);
  return socket;
}

Socket Connect(uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Address(port);
  if (connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    return Socket();
  }
  return socket;
}

bool SendAll(const Socket& socket, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = send(socket.descriptor(), data.data(), data.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

size_t Receive(const Socket& socket, char* data, size_t bytes) {
  const ssize_t received = recv(socket.descriptor(), data, bytes, 0);
  return received < 0 ? 0 : static_cast<size_t>(received);
}

StopSignal::StopSignal() : event_(eventfd(0, EFD_CLOEXEC)) {}

void StopSignal::Set() {
  const uint64_t one = 1;
  REQUIRE(write(event_.descriptor(), &one, sizeof one) == sizeof one);
}

bool StopSignal::WaitReadable(const Socket& socket) const {
  pollfd polled[] = {{event_.descriptor(), POLLIN, 0}, {socket.descriptor(), POLLIN, 0}};
  poll(polled, 2, -1);
  return polled[0].revents == 0;
}

}  // namespace trident::test
