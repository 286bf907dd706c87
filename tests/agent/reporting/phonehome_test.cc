// What an orchestrator hears, from a real client over a real connection.
#include "agent/reporting/phonehome.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "agent/reporting/http_poster.h"
#include "agent/reporting/phonehome_reporter.h"
#include "tests/support/scripted_http_server.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using test::HttpAnswer;
using test::HttpAsked;
using test::ScriptedHttpServer;

constexpr auto kLong = std::chrono::seconds(30);

// As in the product, only faster.
PhonehomeOptions Quick(milliseconds pause = std::chrono::hours(1)) {
  PhonehomeOptions options;
  options.waits.assign(options.waits.size(), milliseconds(1));
  options.first_pause = pause;
  options.longest_pause = pause;
  return options;
}

std::unique_ptr<HttpPoster> PosterFor(const ScriptedHttpServer& server) {
  return MakeHttpPoster(server.Url("/phonehome"), kLong);
}

json BodyOf(const HttpAsked& asked) { return json::parse(asked.body); }

// `address`: what the configuration names now.
PhonehomeReporter::Functions FunctionsWith(
    std::function<absl::StatusOr<PhonehomeReporter::Address>()> address) {
  return {.status_yaml = [] { return std::string("reconcileState: ready\n"); },
          .address = std::move(address),
          .connect =
              [](const std::string& url) {
                return std::make_unique<Phonehome>(MakeHttpPoster(url, kLong), Quick());
              }};
}

Event EndOf(const std::string& job, JobState state) {
  Event event;
  event.transition = true;
  event.job = JobSummary{};
  event.job->id = job;
  event.job->state = state;
  return event;
}

// The ends of jobs that the server heard of.
std::vector<std::string> HeardBy(const ScriptedHttpServer& server) {
  std::vector<std::string> heard;
  for (const HttpAsked& asked : server.Requests()) {
    const std::string message = BodyOf(asked)["message"];
    heard.push_back(message.substr(0, message.find(" ended")));
  }
  return heard;
}

}  // namespace

TEST_CASE("started, failed and succeeded arrive in their order, with the Host Status") {
  ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{.status = 204}; });
  Phonehome phonehome(PosterFor(server));
  phonehome.Started("reconcileState: clean-install\n");
  ErrorDetail error;
  error.message = "the image is damaged";
  error.causes = {"its hash is another one", "bytes \xff that are no text"};
  error.remedy = "Upload it again.";
  error.findings = {{"storage.images[0]", 3, 5, "wrong", "right"}};
  phonehome.Failed(error, "reconcileState: ready\n");
  phonehome.Succeeded("");
  REQUIRE(phonehome.Flush(kLong));
  const std::vector<HttpAsked> asked = server.Requests();
  REQUIRE(asked.size() == 3);
  for (const HttpAsked& request : asked) {
    CHECK(request.method == "POST");
    CHECK(request.path == "/phonehome");
    CHECK(request.Header("content-type") == "application/json");
    CHECK(request.Header("expect").empty());
  }
  CHECK(BodyOf(asked[0]) == json{{"state", "started"},
                                 {"message", "Trident started (connection attempt 0)"},
                                 {"host_status", "reconcileState: clean-install\n"}});
  CHECK(BodyOf(asked[1])["state"] == "failed");
  const std::string text = BodyOf(asked[1])["message"];
  CHECK_THAT(text, Catch::Contains("the image is damaged\nbecause: its hash is another one\n"));
  CHECK_THAT(text, Catch::Contains("3:5: storage.images[0]: wrong"));
  CHECK_THAT(text, Catch::Contains("what to do: Upload it again."));
  CHECK(BodyOf(asked[2]) == json{{"state", "succeeded"}, {"message", "provisioning succeeded"}});
}

TEST_CASE("the attempts to connect are those of the specification") {
  const PhonehomeOptions options;
  std::vector<int> waits;
  for (const milliseconds wait : options.waits) waits.push_back(static_cast<int>(wait.count()));
  CHECK(waits == std::vector<int>{100, 200, 400, 800, 1000, 1000, 1000, 0});
}

TEST_CASE("a server that comes late hears everything, and which attempt it was") {
  ScriptedHttpServer server(
      [](const HttpAsked&, size_t index) { return HttpAnswer{.status = index < 11 ? 503 : 200}; });
  Phonehome phonehome(PosterFor(server), Quick(/*pause=*/milliseconds(1)));
  phonehome.Started("");
  phonehome.Succeeded("");
  REQUIRE(server.AwaitRequests(13));
  REQUIRE(phonehome.Flush(kLong));
  const std::vector<HttpAsked> asked = server.Requests();
  REQUIRE(asked.size() == 13);
  for (size_t i = 0; i < 12; ++i) {
    CHECK(BodyOf(asked[i])["message"] ==
          "Trident started (connection attempt " + std::to_string(i) + ")");
  }
  CHECK(BodyOf(asked[12])["state"] == "succeeded");
}

TEST_CASE("a server that is not there holds nobody up, and the wait for it ends with a series") {
  uint16_t port = 0;
  { test::Listen(&port); }  // free, and nobody listens there any more
  Phonehome phonehome(MakeHttpPoster("http://127.0.0.1:" + std::to_string(port) + "/", kLong),
                      Quick());
  const auto began = std::chrono::steady_clock::now();
  phonehome.Started("");
  phonehome.Succeeded("");
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  CHECK_FALSE(phonehome.Flush(kLong));
  CHECK(std::chrono::steady_clock::now() - began < kLong);
}

TEST_CASE("a server that says nothing does not hold up the end of the agent") {
  ScriptedHttpServer server([](const HttpAsked&, size_t) {
    return HttpAnswer{.body = std::string(10, 'x'), .break_after = 1, .stall = true};
  });
  const auto began = std::chrono::steady_clock::now();
  {
    Phonehome phonehome(MakeHttpPoster(server.Url(), std::chrono::minutes(10)), Quick());
    phonehome.Started("");
    REQUIRE(server.AwaitRequests(1));
  }
  CHECK(std::chrono::steady_clock::now() - began < kLong);
}

TEST_CASE("messages for a server that never comes do not pile up") {
  ScriptedHttpServer server(
      [](const HttpAsked&, size_t index) { return HttpAnswer{.status = index < 8 ? 500 : 200}; });
  PhonehomeOptions options = Quick();
  options.kept = 2;
  Phonehome phonehome(PosterFor(server), options);
  phonehome.Started("");
  CHECK_FALSE(phonehome.Flush(kLong));
  for (const char* message : {"one", "two", "three"}) {
    ErrorDetail error;
    error.message = message;
    phonehome.Failed(error, "");
  }
  REQUIRE(phonehome.Flush(kLong));
  const std::vector<HttpAsked> asked = server.Requests();
  // Which ones go depends on when the sender looks, but the newest is always told.
  CHECK(BodyOf(asked.back())["message"] == "three");
  CHECK(asked.size() <= 8 + 4);
}

TEST_CASE("errors of posting name the server and not the secrets of its URL") {
  ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{.status = 403}; });
  std::string url = server.Url("/hook?token=secret");
  url.insert(7, "user:secret@");
  const Cancellation never;
  const absl::Status status = MakeHttpPoster(url, kLong)->Post("{}", never);
  REQUIRE_ERROR(status, absl::StatusCode::kUnavailable, "status 403");
  CHECK_THAT(std::string(status.message()), !Catch::Contains("secret"));
  CHECK(GetErrorDetail(status).kind == "network");
}

TEST_CASE("how jobs end is reported, and nothing else") {
  ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{}; });
  PhonehomeReporter reporter(server.Url("/phonehome"),
                             FunctionsWith([&] { return server.Url("/phonehome"); }));
  Event event;
  event.sequence = 1;
  event.job = JobSummary{};
  event.job->id = "17";
  const auto pass = [&](JobState state, bool transition) {
    event.job->state = state;
    event.transition = transition;
    reporter.OnEvent(event);
  };
  pass(JobState::kStaging, true);
  pass(JobState::kSucceeded, false);
  pass(JobState::kSucceeded, true);
  event.job->reason = "the host came up on volume-a";
  pass(JobState::kRolledBack, true);
  event.job->error = ErrorDetail{};
  event.job->error->message = "no such image";
  pass(JobState::kFailed, true);
  Event without_job;
  without_job.sequence = 2;
  reporter.OnEvent(without_job);
  reporter.Flush(kLong);
  const std::vector<HttpAsked> asked = server.Requests();
  REQUIRE(asked.size() == 3);
  CHECK(BodyOf(asked[0])["state"] == "succeeded");
  CHECK(BodyOf(asked[0])["host_status"] == "reconcileState: ready\n");
  CHECK(BodyOf(asked[1])["state"] == "failed");
  CHECK(BodyOf(asked[1])["message"] == "job 17 ended as rolled-back: the host came up on volume-a");
  CHECK(BodyOf(asked[2])["message"] == "job 17 ended as failed: no such image");
}

TEST_CASE("an address that a job changes counts from its end on") {
  using Heard = std::vector<std::string>;
  const auto take = [](const HttpAsked&, size_t) { return HttpAnswer{}; };
  ScriptedHttpServer first(take);
  ScriptedHttpServer second(take);
  absl::StatusOr<PhonehomeReporter::Address> configured = first.Url();
  PhonehomeReporter reporter(*configured, FunctionsWith([&] { return configured; }));
  SECTION("to another one") {
    reporter.OnEvent(EndOf("1", JobState::kFailed));
    configured = second.Url();
    reporter.OnEvent(EndOf("2", JobState::kFailed));
    reporter.OnEvent(EndOf("3", JobState::kFailed));
    reporter.Flush(kLong);
    CHECK(HeardBy(first) == Heard{"job 1", "job 2"});
    CHECK(HeardBy(second) == Heard{"job 3"});
  }
  SECTION("to none, and to one again") {
    configured = std::nullopt;
    reporter.OnEvent(EndOf("1", JobState::kFailed));
    reporter.OnEvent(EndOf("2", JobState::kFailed));
    configured = second.Url();
    reporter.OnEvent(EndOf("3", JobState::kFailed));
    reporter.OnEvent(EndOf("4", JobState::kFailed));
    reporter.Flush(kLong);
    CHECK(HeardBy(first) == Heard{"job 1"});
    CHECK(HeardBy(second) == Heard{"job 4"});
  }
  SECTION("not while the configuration cannot be read") {
    configured = absl::UnavailableError("the disk is gone");
    reporter.OnEvent(EndOf("1", JobState::kFailed));
    reporter.OnEvent(EndOf("2", JobState::kFailed));
    reporter.Flush(kLong);
    CHECK(HeardBy(first) == Heard{"job 1", "job 2"});
  }
}

TEST_CASE("a server that was named no more and does not answer holds up nobody") {
  const auto take = [](const HttpAsked&, size_t) { return HttpAnswer{}; };
  ScriptedHttpServer silent([](const HttpAsked&, size_t) {
    return HttpAnswer{.body = std::string(10, 'x'), .break_after = 1, .stall = true};
  });
  ScriptedHttpServer second(take);
  const auto began = std::chrono::steady_clock::now();
  {
    PhonehomeReporter reporter(silent.Url(), FunctionsWith([&] { return second.Url(); }));
    reporter.OnEvent(EndOf("1", JobState::kFailed));
    REQUIRE(silent.AwaitRequests(1));
    reporter.OnEvent(EndOf("2", JobState::kFailed));
    REQUIRE(second.AwaitRequests(1));
    reporter.Flush(milliseconds(10));
  }
  CHECK(std::chrono::steady_clock::now() - began < kLong);
  CHECK(HeardBy(second) == std::vector<std::string>{"job 2"});
}

TEST_CASE("a phonehome that leaves tries once more to say the rest, then ends") {
  SECTION("to a server that takes it") {
    ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{}; });
    Phonehome phonehome(PosterFor(server), Quick());
    phonehome.Succeeded("");
    phonehome.Leave();
    REQUIRE(phonehome.Flush(kLong));
    CHECK(server.Requests().size() == 1);
  }
  SECTION("to a server that rested and refuses") {
    ScriptedHttpServer server([](const HttpAsked&, size_t) { return HttpAnswer{.status = 500}; });
    Phonehome phonehome(PosterFor(server), Quick());
    phonehome.Succeeded("");
    REQUIRE_FALSE(phonehome.Flush(kLong));
    CHECK_FALSE(phonehome.has_left());
    phonehome.Leave();
    REQUIRE(server.AwaitRequests(16));
    const auto began = std::chrono::steady_clock::now();
    while (!phonehome.has_left() && std::chrono::steady_clock::now() - began < kLong) {
      std::this_thread::yield();
    }
    CHECK(phonehome.has_left());
    CHECK(server.Requests().size() == 16);
  }
}

TEST_CASE("the URL in a configuration that cannot be read is found at the begin of a line only") {
  struct Case {
    const char* text;
    const char* url;  // null: none
  };
  const Case cases[] = {
      {"phonehome: http://192.0.2.1:8080/p\nunknown: 1\n", "http://192.0.2.1:8080/p"},
      {"a: [\nphonehome:   https://host/p  \r\n", "https://host/p"},
      {"phonehome: 'http://host'\n{", "http://host"},
      {"phonehome: \"http://host\"", "http://host"},
      {" phonehome: http://host\n", nullptr},
      {"# phonehome: http://host\n", nullptr},
      {"phonehome: file:///etc/passwd\n", nullptr},
      {"phonehome: host\n", nullptr},
      {"phonehome:\n", nullptr},
      {"", nullptr},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const auto url = PhonehomeUrlIn(c.text);
    CHECK(url.has_value() == (c.url != nullptr));
    if (c.url != nullptr && url) CHECK(*url == c.url);
  }
}

}  // namespace trident
