#include "agent/host/system_journal.h"

#include <sys/uio.h>
// The functions, not the macros that add where they were called.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "absl/strings/str_cat.h"

namespace trident {
namespace {

int PriorityOf(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
    case LogLevel::kError:
      return 3;
    case LogLevel::kWarn:
      return 4;
    case LogLevel::kInfo:
      return 6;
    case LogLevel::kDebug:
    case LogLevel::kTrace:
      return 7;
  }
  return 3;
}

}  // namespace

std::vector<std::string> JournalFields(const LogRecord& record) {
  std::vector<std::string> fields = {absl::StrCat("MESSAGE=", std::string(record.message)),
                                     absl::StrCat("PRIORITY=", PriorityOf(record.level)),
                                     "SYSLOG_IDENTIFIER=tridentd"};
  if (!record.fields.job.empty()) {
    fields.push_back(absl::StrCat("TRIDENT_JOB=", std::string(record.fields.job)));
  }
  if (!record.fields.step.empty()) {
    fields.push_back(absl::StrCat("TRIDENT_STEP=", std::string(record.fields.step)));
  }
  return fields;
}

JournalWriter MakeSystemJournalWriter() {
  return [](const LogRecord& record) {
    std::vector<std::string> fields = JournalFields(record);
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields) parts.push_back({field.data(), field.size()});
    return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
  };
}

}  // namespace trident
