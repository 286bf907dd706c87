#include "common/base/logging.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/status_matchers.h"

namespace trident::test {

TEST_CASE("log levels are read in any case") {
  const std::pair<const char*, LogLevel> cases[] = {
      {"OFF", LogLevel::kOff},   {"error", LogLevel::kError},   {"Warn", LogLevel::kWarn},
      {"iNfO", LogLevel::kInfo}, {" DEBUG ", LogLevel::kDebug}, {"trace", LogLevel::kTrace}};
  for (const auto& [word, level] : cases) {
    const auto parsed = ParseLogLevel(word);
    REQUIRE_OK(parsed);
    CHECK(*parsed == level);
  }
  REQUIRE_ERROR(ParseLogLevel("loud"), absl::StatusCode::kInvalidArgument, "'loud'");
  REQUIRE_ERROR(ParseLogLevel(""), absl::StatusCode::kInvalidArgument, "''");
}

TEST_CASE("log lines look as their reader wants them") {
  struct Case {
    LogLevel level;
    const char* message;
    bool journal;
    const char* line;
  };
  const Case cases[] = {
      {LogLevel::kWarn, "no watchdog", false, "WARN no watchdog\n"},
      {LogLevel::kError, "two\nlines\n", false, "ERROR two\nlines\n"},
      {LogLevel::kError, "two\nlines\n", true, "<3>two\n<3>lines\n"},
      {LogLevel::kWarn, "w", true, "<4>w\n"},
      {LogLevel::kInfo, "i", true, "<6>i\n"},
      {LogLevel::kDebug, "d", true, "<7>d\n"},
      {LogLevel::kTrace, "", true, "<7>\n"},
  };
  for (const Case& test : cases) {
    CHECK(FormatLogLine(test.level, test.message, test.journal) == test.line);
  }
}

TEST_CASE("stderr is the journal only when it is the stream that the variable names") {
  struct stat status = {};
  REQUIRE(fstat(STDERR_FILENO, &status) == 0);
  const std::string device = std::to_string(status.st_dev);
  CHECK(StderrIsJournal((device + ":" + std::to_string(status.st_ino)).c_str()));
  CHECK_FALSE(StderrIsJournal((device + ":" + std::to_string(status.st_ino + 1)).c_str()));
  CHECK_FALSE(StderrIsJournal(""));
  CHECK_FALSE(StderrIsJournal(nullptr));
}

}  // namespace trident::test
