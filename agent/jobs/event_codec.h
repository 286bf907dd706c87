// Durable events as the journal keeps them.
#ifndef TRIDENT_AGENT_JOBS_EVENT_CODEC_H_
#define TRIDENT_AGENT_JOBS_EVENT_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/jobs/event.h"

namespace trident {

// Everything but the sequence, which is the key of the row.
std::string EventToJson(const Event& event);

// A newer agent may have written it: unknown members are ignored, and an unknown job state leaves
// the event without its job. DATA_LOSS: not an event at all.
absl::StatusOr<Event> EventFromJson(uint64_t sequence, std::string_view json);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_EVENT_CODEC_H_
