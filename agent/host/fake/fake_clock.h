// A clock that moves when it is told to.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_CLOCK_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_CLOCK_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "agent/host/clock.h"

namespace trident {

// Thread safe. Begins at 2025-01-01 00:00 UTC, one minute after the boot "boot-1".
class FakeClock : public Clock {
 public:
  int64_t WallMicros() const override;
  int64_t BootNanos() const override;
  std::string BootId() const override;

  // Time goes by, on both clocks.
  void Advance(std::chrono::nanoseconds duration);
  // The wall clock alone jumps, in either direction.
  void JumpWall(std::chrono::microseconds distance);
  // As after a restart of the machine: the time since boot starts at zero.
  void Restart(const std::string& boot_id);

 private:
  mutable std::mutex mutex_;
  int64_t wall_micros_ = 1'735'689'600'000'000;
  int64_t boot_nanos_ = 60'000'000'000;
  std::string boot_id_ = "boot-1";
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_CLOCK_H_
