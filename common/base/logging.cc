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

std::string_view NameOf(LogLevel level) {
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

class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(bool journal) : journal_(journal) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& record) override {
    const std::string line = FormatLogLine(
        FromSpdlog(record.level), {record.payload.data(), record.payload.size()}, journal_);
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
  void flush_() override { std::fflush(stderr); }

 private:
  const bool journal_;
};

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view word) {
  const std::string upper = absl::AsciiStrToUpper(absl::StripAsciiWhitespace(std::string(word)));
  for (const LogLevel level : {LogLevel::kOff, LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo,
                               LogLevel::kDebug, LogLevel::kTrace}) {
    if (upper == NameOf(level)) return level;
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "log-level",
                   absl::StrCat("'", std::string(word), "' is not a log level"),
                   "Use OFF, ERROR, WARN, INFO, DEBUG or TRACE.");
}

void SetUpLogging(LogLevel level) {
  try {
    auto sink = std::make_shared<StderrSink>(StderrIsJournal(std::getenv("JOURNAL_STREAM")));
    auto logger = std::make_shared<spdlog::logger>("trident", std::move(sink));
    logger->set_level(ToSpdlog(level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
  } catch (const std::exception& exception) {
    // The default logger stays; a program must not die of its log.
    std::fprintf(stderr, "cannot set up logging: %s\n", exception.what());
  }
}

void Log(LogLevel level, std::string_view message) {
  if (level == LogLevel::kOff) return;
  spdlog::default_logger_raw()->log(ToSpdlog(level),
                                    spdlog::string_view_t(message.data(), message.size()));
}

std::string FormatLogLine(LogLevel level, std::string_view message, bool journal) {
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  std::string line;
  if (!journal) return line.append(NameOf(level)).append(" ").append(message).append("\n");
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
