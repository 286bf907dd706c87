#include "agent/jobs/host_watch.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/logging.h"

namespace trident {

void LookAtHost(Servicer& servicer, Ledger& ledger) {
  HostStatus status = ledger.Status();
  std::vector<Event> events;
  for (std::string& change : servicer.Watch(status)) {
    Log(LogLevel::kWarn, change);
    Event event;
    event.log = LogEvent{"warn", std::move(change)};
    events.push_back(std::move(event));
  }
  if (events.empty()) return;
  const absl::Status saved = ledger.SaveStatus(status, std::move(events));
  if (!saved.ok()) {
    Log(LogLevel::kWarn, absl::StrCat("record what the host is like: ", saved.message()));
  }
}

}  // namespace trident
