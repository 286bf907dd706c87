// The agent's line in `systemctl status`.
#ifndef TRIDENT_AGENT_REPORTING_SERVICE_STATUS_H_
#define TRIDENT_AGENT_REPORTING_SERVICE_STATUS_H_

#include <functional>
#include <string>
#include <utility>

#include "agent/reporting/event_sink.h"

namespace trident {

class ServiceStatus : public EventSink {
 public:
  explicit ServiceStatus(std::function<void(const std::string&)> notify)
      : notify_(std::move(notify)) {}

  void OnEvent(const Event& event) override;

 private:
  const std::function<void(const std::string&)> notify_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_SERVICE_STATUS_H_
