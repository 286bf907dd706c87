#include "common/base/logging.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
      return spdlog::level::off;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kTrace:
      return spdlog::level::trace;
  }
  return spdlog::level::off;
}

LogLevel FromSpdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return LogLevel::kTrace;
    case spdlog::level::debug:
      return LogLevel::kDebug;
    case spdlog::level::info:
      return LogLevel::kInfo;
    case spdlog::level::warn:
      return LogLevel::kWarn;
    default:
      return LogLevel::kError;
  }
}

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
      return "OFF";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kTrace:
      return "TRACE";
  }
  return "OFF";
}

namespace {

// Priorities of syslog(3), as sd-daemon(3) wants them.
std::string_view JournalPriority(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
    case LogLevel::kError:
      return "<3>";
    case LogLevel::kWarn:
      return "<4>";
    case LogLevel::kInfo:
      return "<6>";
    case LogLevel::kDebug:
    case LogLevel::kTrace:
      return "<7>";
  }
  return "<3>";
}

// A sink that knows what spdlog's records cannot carry.
class FieldSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void LogWithFields(const spdlog::details::log_msg& record, const LogFields& fields) {
    const std::lock_guard lock(mutex_);
    Take(record, fields);
  }

 protected:
  virtual void Take(const spdlog::details::log_msg& record, const LogFields& fields) = 0;
  void sink_it_(const spdlog::details::log_msg& record) override { Take(record, {}); }
  void flush_() override {}
};

LogRecord RecordOf(const spdlog::details::log_msg& record, const LogFields& fields) {
  return {.level = FromSpdlog(record.level),
          .message = {record.payload.data(), record.payload.size()},
          .target = {record.logger_name.data(), record.logger_name.size()},
          .file = record.source.filename != nullptr ? record.source.filename : "",
          .line = record.source.line,
          .fields = fields};
}

class StderrSink : public FieldSink {
 public:
  StderrSink(bool to_journal, JournalWriter journal)
      : to_journal_(to_journal), journal_(std::move(journal)) {}

 protected:
  void Take(const spdlog::details::log_msg& message, const LogFields& fields) override {
    const LogRecord record = RecordOf(message, fields);
    if (to_journal_ && journal_ && !fields.job.empty() && journal_(record)) return;
    const std::string line = FormatLogLine(record.level, record.message, to_journal_);
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
  void flush_() override { std::fflush(stderr); }

 private:
  const bool to_journal_;
  const JournalWriter journal_;
};

class ListenerSink : public FieldSink {
 public:
  explicit ListenerSink(LogListener listener) : listener_(std::move(listener)) {}

 protected:
  void Take(const spdlog::details::log_msg& message, const LogFields& fields) override {
    listener_(RecordOf(message, fields));
  }

 private:
  const LogListener listener_;
};

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view word) {
  const std::string upper = absl::AsciiStrToUpper(absl::StripAsciiWhitespace(std::string(word)));
  for (const LogLevel level : {LogLevel::kOff, LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo,
                               LogLevel::kDebug, LogLevel::kTrace}) {
    if (upper == LogLevelName(level)) return level;
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "log-level",
                   absl::StrCat("'", std::string(word), "' is not a log level"),
                   "Use OFF, ERROR, WARN, INFO, DEBUG or TRACE.");
}

void SetUpLogging(LogLevel level, JournalWriter journal) {
  try {
    auto sink = std::make_shared<StderrSink>(StderrIsJournal(std::getenv("JOURNAL_STREAM")),
                                             std::move(journal));
    auto logger = std::make_shared<spdlog::logger>("trident", std::move(sink));
    logger->set_level(ToSpdlog(level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
  } catch (const std::exception& exception) {
    // The default logger stays; a program must not die of its log.
    std::fprintf(stderr, "cannot set up logging: %s\n", exception.what());
  }
}

void AddLogListener(LogListener listener) {
  spdlog::default_logger()->sinks().push_back(std::make_shared<ListenerSink>(std::move(listener)));
}

void Log(LogLevel level, std::string_view message, const LogFields& fields) {
  if (level == LogLevel::kOff) return;
  spdlog::logger* const logger = spdlog::default_logger_raw();
  const spdlog::string_view_t text(message.data(), message.size());
  if (fields.job.empty()) {
    logger->log(ToSpdlog(level), text);
    return;
  }
  // What spdlog does for a record, with the fields beside it.
  if (!logger->should_log(ToSpdlog(level))) return;
  const spdlog::details::log_msg record(spdlog::source_loc{}, logger->name(), ToSpdlog(level),
                                        text);
  for (const spdlog::sink_ptr& sink : logger->sinks()) {
    try {
      if (auto* const with_fields = dynamic_cast<FieldSink*>(sink.get())) {
        with_fields->LogWithFields(record, fields);
      } else {
        sink->log(record);
      }
      sink->flush();
    } catch (const std::exception& exception) {
      std::fprintf(stderr, "cannot write a log record: %s\n", exception.what());
    }
  }
}

std::string FormatLogLine(LogLevel level, std::string_view message, bool journal) {
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  std::string line;
  if (!journal) return line.append(LogLevelName(level)).append(" ").append(message).append("\n");
  while (true) {
    const size_t end = message.find('\n');
    line.append(JournalPriority(level)).append(message.substr(0, end)).append("\n");
    if (end == std::string_view::npos) return line;
    message.remove_prefix(end + 1);
  }
}

bool StderrIsJournal(const char* journal_stream) {
  struct stat status = {};
  if (journal_stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return journal_stream == absl::StrCat(status.st_dev, ":", status.st_ino);
}

}  // namespace trident
