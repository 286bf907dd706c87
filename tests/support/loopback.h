// TCP sockets on 127.0.0.1 for test servers.
#ifndef TRIDENT_TESTS_SUPPORT_LOOPBACK_H_
#define TRIDENT_TESTS_SUPPORT_LOOPBACK_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace trident::test {

class Socket {
 public:
  explicit Socket(int descriptor = -1) : descriptor_(descriptor) {}
  ~Socket();
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

// Listens on a free port of 127.0.0.1.
Socket Listen(uint16_t* port);
// Invalid when nobody listens there.
Socket Connect(uint16_t port);
// False: the other end has gone.
bool SendAll(const Socket& socket, std::string_view data);
// 0: the end, or an error.
size_t Receive(const Socket& socket, char* data, size_t bytes);

// Tells threads that wait in WaitReadable to stop.
class StopSignal {
 public:
  StopSignal();
  void Set();
  // False: stopped.
  bool WaitReadable(const Socket& socket) const;

 private:
  Socket event_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_SUPPORT_LOOPBACK_H_
