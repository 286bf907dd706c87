#include "agent/host/fake/fake_clock.h"

namespace trident {

int64_t FakeClock::WallMicros() const {
  const std::lock_guard lock(mutex_);
  return wall_micros_;
}

int64_t FakeClock::BootNanos() const {
  const std::lock_guard lock(mutex_);
  return boot_nanos_;
}

std::string FakeClock::BootId() const {
  const std::lock_guard lock(mutex_);
  return boot_id_;
}

void FakeClock::Advance(std::chrono::nanoseconds duration) {
  const std::lock_guard lock(mutex_);
  boot_nanos_ += duration.count();
  wall_micros_ += std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

void FakeClock::JumpWall(std::chrono::microseconds distance) {
  const std::lock_guard lock(mutex_);
  wall_micros_ += distance.count();
}

void FakeClock::Restart(const std::string& boot_id) {
  const std::lock_guard lock(mutex_);
  boot_nanos_ = 0;
  boot_id_ = boot_id;
}

}  // namespace trident
