#include <ctime>
#include <fstream>

#include "agent/host/clock.h"

namespace trident {
namespace {

class LinuxClock : public Clock {
 public:
  int64_t WallMicros() const override {
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  }

  int64_t BootNanos() const override {
    timespec now = {};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }

  std::string BootId() const override {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
  }
};

}  // namespace

std::unique_ptr<Clock> MakeLinuxClock() { return std::make_unique<LinuxClock>(); }

}  // namespace trident
