// What the programs write to stderr.
#ifndef TRIDENT_COMMON_BASE_LOGGING_H_
#define TRIDENT_COMMON_BASE_LOGGING_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trident {

enum class LogLevel { kOff, kError, kWarn, kInfo, kDebug, kTrace };

// OFF, ERROR, WARN, INFO, DEBUG or TRACE in any case. Another word: INVALID_ARGUMENT naming it.
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view word);

// Makes stderr the place of the process's log, down to `level`. Without this call warnings and
// errors are written. Lines look as FormatLogLine says; for the journal when stderr leads there.
void SetUpLogging(LogLevel level);

// Writes one record when the level is enabled. Thread safe, never throws. Never pass secrets.
void Log(LogLevel level, std::string_view message);

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
