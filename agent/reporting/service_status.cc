#include "agent/reporting/service_status.h"

#include "absl/strings/str_cat.h"

namespace trident {

void ServiceStatus::OnEvent(const Event& event) {
  if (!event.job.has_value() || event.sequence == 0) return;
  const std::string state(JobStateName(event.job->state));
  if (event.transition) {
    notify_(IsFinal(event.job->state) ? absl::StrCat("idle; job ", event.job->id, " ended: ", state)
                                      : absl::StrCat("job ", event.job->id, ": ", state));
  } else if (event.step.has_value() && !event.log.has_value() &&
             event.step->state == StepEvent::State::kStarted) {
    notify_(absl::StrCat("job ", event.job->id, ": ", state, ", step ", event.step->index, "/",
                         event.step->count, ": ", event.step->description));
  }
}

}  // namespace trident
