#include "agent/jobs/pulse.h"

#include <catch2/catch.hpp>

namespace trident {

using std::chrono::nanoseconds;

TEST_CASE(
    "silence is the time since the last beat, without what is allowed, and none while resting") {
  Pulse pulse;
  CHECK(pulse.Silence(1000) == nanoseconds(0));
  pulse.Beat(100);
  CHECK(pulse.Silence(100) == nanoseconds(0));
  CHECK(pulse.Silence(150) == nanoseconds(50));
  pulse.Allow(nanoseconds(30));
  CHECK(pulse.Silence(150) == nanoseconds(20));
  CHECK(pulse.Silence(120) == nanoseconds(0));
  pulse.Beat(140);
  CHECK(pulse.Silence(190) == nanoseconds(20));
  pulse.Rest();
  CHECK(pulse.Silence(1000000) == nanoseconds(0));
}

}  // namespace trident
