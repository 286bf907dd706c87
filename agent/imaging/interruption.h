// How a fetch that takes its time notices that nobody wants it any more.
#ifndef TRIDENT_AGENT_IMAGING_INTERRUPTION_H_
#define TRIDENT_AGENT_IMAGING_INTERRUPTION_H_

#include <chrono>
#include <functional>

#include "agent/host/cancellation.h"
#include "agent/imaging/stream_state.h"

namespace trident {

struct Interruption {
  std::function<bool()> stopped;
  // Waits for at most `duration`. Returns true at once when it is or becomes stopped.
  std::function<bool(std::chrono::milliseconds duration)> wait;
};

// The argument must outlive what is returned.
inline Interruption InterruptionOf(const Cancellation& cancellation) {
  return {[&cancellation] { return cancellation.cancelled(); },
          [&cancellation](std::chrono::milliseconds duration) {
            return cancellation.WaitFor(duration);
          }};
}
inline Interruption InterruptionOf(const StreamState& state) {
  return {[&state] { return state.stopped(); },
          [&state](std::chrono::milliseconds duration) { return state.WaitForEnd(duration); }};
}

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_INTERRUPTION_H_
