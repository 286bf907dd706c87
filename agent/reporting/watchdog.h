// Tells the service manager that the agent is well, as long as it is.
#ifndef TRIDENT_AGENT_REPORTING_WATCHDOG_H_
#define TRIDENT_AGENT_REPORTING_WATCHDOG_H_

#include <chrono>
#include <functional>
#include <thread>

#include "agent/host/cancellation.h"

namespace trident {

// Longer than anything that a step does without a word: single programs have limits of ten minutes.
inline constexpr std::chrono::nanoseconds kWorkerPatience = std::chrono::hours(1);

class Watchdog {
 public:
  struct Functions {
    // How long the worker has shown no sign of life. That it returns at all is part of the proof.
    std::function<std::chrono::nanoseconds()> silence;
    std::function<void()> ping;
  };

  // Pings three times in each `interval` unless the silence is longer than `patience`.
  Watchdog(std::chrono::microseconds interval, std::chrono::nanoseconds patience,
           Functions functions);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void Run(std::chrono::milliseconds pause) const;

  const std::chrono::nanoseconds patience_;
  const Functions functions_;
  Cancellation stop_;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_WATCHDOG_H_
