// What reads the journal along.
#ifndef TRIDENT_AGENT_REPORTING_EVENT_SINK_H_
#define TRIDENT_AGENT_REPORTING_EVENT_SINK_H_

#include <string>

#include "agent/jobs/event.h"

namespace trident {

class EventSink {
 public:
  virtual ~EventSink() = default;

  // Every event in its order, from one thread. Must not wait for anybody: a reboot waits, for a
  // moment, until all watchers have read everything.
  virtual void OnEvent(const Event& event) = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_EVENT_SINK_H_
