// Serves the metrics by HTTP on the loopback addresses.
#ifndef TRIDENT_AGENT_REPORTING_METRICS_SERVER_H_
#define TRIDENT_AGENT_REPORTING_METRICS_SERVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/host/file_descriptor.h"

namespace trident {

// GET and HEAD of /metrics and nothing else: one request for each connection, one connection after
// the other, each with a bound in size and time, so that no client can hold up or grow the agent.
class MetricsServer {
 public:
  // `port` 0: any free one. ALREADY_EXISTS when it is taken.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      uint16_t port, std::function<std::string()> text,
      std::chrono::milliseconds limit = std::chrono::seconds(2));
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  uint16_t port() const { return port_; }

  // What Start opened; nobody else can make one.
  class Opened {
    friend class MetricsServer;
    Opened() = default;
    std::vector<FileDescriptor> listeners;
    FileDescriptor stop;
    uint16_t port = 0;
  };
  MetricsServer(Opened opened, std::function<std::string()> text, std::chrono::milliseconds limit);

 private:
  void Serve();
  void Answer(const FileDescriptor& client) const;

  const std::vector<FileDescriptor> listeners_;
  const FileDescriptor stop_;  // eventfd
  const uint16_t port_;
  const std::function<std::string()> text_;
  const std::chrono::milliseconds limit_;
  std::thread thread_;
};

// The whole answer to a request, of which `head` is everything up to the empty line.
std::string AnswerToMetricsRequest(std::string_view head, const std::function<std::string()>& text);

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_METRICS_SERVER_H_
