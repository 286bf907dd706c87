// What the programs write to stderr.
#ifndef TRIDENT_COMMON_BASE_LOGGING_H_
#define TRIDENT_COMMON_BASE_LOGGING_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trident {

enum class LogLevel { kOff, kError, kWarn, kInfo, kDebug, kTrace };

// OFF, ERROR, WARN, INFO, DEBUG or TRACE in any case. Another word: INVALID_ARGUMENT naming it.
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view word);

std::string_view LogLevelName(LogLevel level);  // "WARN"

// What a record is about, for those who look for it by field.
struct LogFields {
  std::string_view job = {};   // id
  std::string_view step = {};  // id within the job's plan
};

struct LogRecord {
  LogLevel level = LogLevel::kInfo;
  std::string_view message = {};
  std::string_view target = {};  // name of the logger
  std::string_view file = {};    // of the source; empty and 0: not known
  int line = 0;
  LogFields fields = {};
};

// Puts a record into the journal with fields of its own. False: it is to be written as text.
using JournalWriter = std::function<bool(const LogRecord&)>;
// Reads along. Called from any thread that logs, one at a time: must neither block, nor log, nor
// throw.
using LogListener = std::function<void(const LogRecord&)>;

// Makes stderr the place of the process's log, down to `level`. Without this call warnings and
// errors are written. Lines look as FormatLogLine says; for the journal when stderr leads there.
// Records with fields go to `journal` then, if there is one.
void SetUpLogging(LogLevel level, JournalWriter journal = nullptr);

// `listener` gets every record of an enabled level from now on, as long as the process lives. Call
// it before there are threads that log.
void AddLogListener(LogListener listener);

// Writes one record when the level is enabled. Thread safe, never throws. Never pass secrets.
void Log(LogLevel level, std::string_view message, const LogFields& fields = {});

// One record as it is written, with its newline: "WARN message", or for the journal
// "<4>message", where the journal adds time and name itself. Every line of a message that has
// several gets its own priority, or else the journal would take the rest for plain information.
std::string FormatLogLine(LogLevel level, std::string_view message, bool journal);

// Does stderr lead to the journal? `journal_stream` is the variable JOURNAL_STREAM ("device:inode"
// of the stream, see systemd.exec(5)), null when it is not set. A stderr that was redirected to a
// file inherits the variable, so the numbers are compared.
bool StderrIsJournal(const char* journal_stream);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_LOGGING_H_
