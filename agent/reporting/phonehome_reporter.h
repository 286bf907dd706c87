// What the journal has for the orchestrator.
#ifndef TRIDENT_AGENT_REPORTING_PHONEHOME_REPORTER_H_
#define TRIDENT_AGENT_REPORTING_PHONEHOME_REPORTER_H_

#include <functional>
#include <string>
#include <utility>

#include "agent/reporting/event_sink.h"
#include "agent/reporting/phonehome.h"

namespace trident {

// Tells how each job ended.
class PhonehomeReporter : public EventSink {
 public:
  // `status_yaml`: the Host Status now.
  PhonehomeReporter(Phonehome& phonehome, std::function<std::string()> status_yaml)
      : phonehome_(phonehome), status_yaml_(std::move(status_yaml)) {}

  void OnEvent(const Event& event) override;

 private:
  Phonehome& phonehome_;
  const std::function<std::string()> status_yaml_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_PHONEHOME_REPORTER_H_
