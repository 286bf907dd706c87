// Time and which boot this is.
#ifndef TRIDENT_AGENT_HOST_CLOCK_H_
#define TRIDENT_AGENT_HOST_CLOCK_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace trident {

class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock, microseconds since 1970. Jumps; for people only.
  virtual int64_t WallMicros() const = 0;
  // CLOCK_BOOTTIME, nanoseconds. Never jumps within one boot.
  virtual int64_t BootNanos() const = 0;
  // /proc/sys/kernel/random/boot_id: differs between any two boots.
  virtual std::string BootId() const = 0;
};

std::unique_ptr<Clock> MakeLinuxClock();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_CLOCK_H_
