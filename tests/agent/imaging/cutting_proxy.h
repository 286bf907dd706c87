// A TCP proxy that cuts connections.
#ifndef TRIDENT_TESTS_AGENT_IMAGING_CUTTING_PROXY_H_
#define TRIDENT_TESTS_AGENT_IMAGING_CUTTING_PROXY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loopback.h"

namespace trident::test {

// The n-th connection is cut when cuts[n] bytes have gone to the client; later ones are left alone.
// One connection at a time.
class CuttingProxy {
 public:
  CuttingProxy(uint16_t server_port, std::vector<size_t> cuts);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  std::string Url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
  }
  size_t connections() const { return connections_; }

 private:
  void Run();
  void Forward(const Socket& client, size_t limit);

  uint16_t server_port_;
  std::vector<size_t> cuts_;
  uint16_t port_ = 0;
  Socket listener_;
  StopSignal stop_;
  std::atomic<size_t> connections_{0};
  std::thread thread_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_CUTTING_PROXY_H_
