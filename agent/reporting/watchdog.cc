#include "agent/reporting/watchdog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/logging.h"

namespace trident {

using std::chrono::milliseconds;

Watchdog::Watchdog(std::chrono::microseconds interval, std::chrono::nanoseconds patience,
                   Functions functions)
    : patience_(patience), functions_(std::move(functions)), thread_([this, interval] {
        Run(std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(interval / 3)));
      }) {}

Watchdog::~Watchdog() {
  stop_.Cancel();
  thread_.join();
}

void Watchdog::Run(milliseconds pause) const {
  bool complained = false;
  do {
    const std::chrono::nanoseconds silence = functions_.silence();
    if (silence <= patience_) {
      functions_.ping();
      complained = false;
    } else if (!complained) {
      complained = true;
      Log(LogLevel::kError,
          absl::StrCat("the worker has shown no sign of life for ",
                       std::chrono::duration_cast<std::chrono::seconds>(silence).count(),
                       " seconds: the service manager's watchdog is left to restart the agent"));
    }
  } while (!stop_.WaitFor(pause));
}

}  // namespace trident
