#include "agent/reporting/log_stream.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/host/system_journal.h"
#include "tests/support/scripted_http_server.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using test::HttpAnswer;
using test::HttpAsked;
using test::ScriptedHttpServer;

LogRecord Record(LogLevel level, std::string_view message) {
  LogRecord record;
  record.level = level;
  record.message = message;
  record.target = "trident";
  return record;
}

std::unique_ptr<HttpPoster> PosterFor(const ScriptedHttpServer& server) {
  return MakeHttpPoster(server.Url("/log"), std::chrono::seconds(30));
}

LogStreamOptions Quick() {
  LogStreamOptions options;
  options.first_pause = milliseconds(1);
  options.longest_pause = milliseconds(5);
  return options;
}

}  // namespace

TEST_CASE("records arrive one by one with the members that their reader knows") {
  ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{}; });
  {
    LogStream stream(PosterFor(server));
    stream.Add(Record(LogLevel::kError, "one"));
    LogRecord located = Record(LogLevel::kDebug, "two \xff");
    located.file = "job.cc";
    located.line = 17;
    stream.Add(located);
    stream.Add(Record(LogLevel::kTrace, "too fine"));
    stream.Add(Record(LogLevel::kWarn, std::string(20000, 'x')));
  }
  const std::vector<HttpAsked> asked = server.Requests();
  REQUIRE(asked.size() == 3);
  CHECK(asked[0].method == "POST");
  CHECK(asked[0].Header("content-type") == "application/json");
  CHECK(json::parse(asked[0].body) == json{{"level", "error"},
                                           {"message", "one"},
                                           {"target", "trident"},
                                           {"module", ""},
                                           {"file", ""},
                                           {"line", 0}});
  CHECK(json::parse(asked[1].body)["line"] == 17);
  CHECK(json::parse(asked[1].body)["file"] == "job.cc");
  CHECK(asked[2].body.size() < 17000);
}

TEST_CASE("a server that does not answer slows nobody down, and what was dropped is told") {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::vector<std::string> taken;  // the messages that the server answered with 200
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
    const std::lock_guard lock(mutex);
    if (!open) return HttpAnswer{.status = 503};
    taken.push_back(json::parse(asked.body)["message"]);
    changed.notify_all();
    return HttpAnswer{};
  });
  LogStreamOptions options = Quick();
  options.kept = 10;
  LogStream stream(PosterFor(server), options);
  const auto began = std::chrono::steady_clock::now();
  constexpr uint64_t kRecords = 100000;
  for (uint64_t i = 0; i < kRecords; ++i) stream.Add(Record(LogLevel::kInfo, std::to_string(i)));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
  CHECK(stream.dropped() >= kRecords - 12);

  std::unique_lock lock(mutex);
  open = true;
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] {
    return !taken.empty() && taken.back() == std::to_string(kRecords - 1);
  }));
  // Every record either came or was counted in a word about dropped ones; of those there may be
  // two, since one may have been on its way while records were still being dropped.
  uint64_t told = 0;
  uint64_t came = 0;
  for (const std::string& message : taken) {
    const size_t words =
        message.find(" records were dropped: this server did not take them in time");
    if (words == std::string::npos) {
      ++came;
    } else {
      told += std::stoull(message.substr(0, words));
    }
  }
  CHECK(told == stream.dropped());
  CHECK(came + told == kRecords);
}

TEST_CASE("the queue is bounded in bytes, too") {
  ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{.status = 500}; });
  LogStreamOptions options = Quick();
  options.kept_bytes = 4000;
  LogStream stream(PosterFor(server), options);
  for (int i = 0; i < 10; ++i) stream.Add(Record(LogLevel::kInfo, std::string(1000, 'x')));
  CHECK(stream.dropped() >= 5);
}

TEST_CASE("the log goes along to the stream as long as that lives, at the level of the log") {
  ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{}; });
  SetUpLogging(LogLevel::kWarn);
  auto stream = std::make_shared<LogStream>(PosterFor(server));
  AddLogListener([weak = std::weak_ptr<LogStream>(stream)](const LogRecord& record) {
    if (const auto alive = weak.lock()) alive->Add(record);
  });
  Log(LogLevel::kInfo, "below the level");
  Log(LogLevel::kWarn, "a plain record");
  Log(LogLevel::kError, "a record of a job", {.job = "17", .step = "write-image/root-b"});
  stream.reset();
  Log(LogLevel::kError, "after its end");
  SetUpLogging(LogLevel::kOff);
  const auto asked = server.Requests();
  REQUIRE(asked.size() == 2);
  CHECK(json::parse(asked[0].body)["message"] == "a plain record");
  CHECK(json::parse(asked[0].body)["target"] == "trident");
  CHECK(json::parse(asked[1].body)["message"] == "a record of a job");
}

TEST_CASE("records for the journal name the job and the step") {
  LogRecord record = Record(LogLevel::kWarn, "two\nlines");
  CHECK(JournalFields(record) ==
        std::vector<std::string>{"MESSAGE=two\nlines", "PRIORITY=4", "SYSLOG_IDENTIFIER=tridentd"});
  record.fields = {.job = "17", .step = "leave"};
  const auto fields = JournalFields(record);
  CHECK(fields[3] == "TRIDENT_JOB=17");
  CHECK(fields[4] == "TRIDENT_STEP=leave");
}

}  // namespace trident
