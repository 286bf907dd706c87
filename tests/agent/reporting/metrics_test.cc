#include "agent/reporting/metrics.h"

#include <catch2/catch.hpp>
#include <string>

#include "agent/host/fake/fake_files.h"
#include "agent/reporting/metrics_file.h"
#include "agent/reporting/metrics_server.h"
#include "common/status/host_status.h"
#include "tests/support/loopback.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Catch::Contains;

std::string StatusYaml() {
  HostStatus status;
  status.storage.ab_update = AbUpdateStatus{};
  status.storage.ab_update->active_volume = Volume::kB;
  status.storage.raid_arrays["a"].status = RaidArrayStatus::State::kReady;
  status.storage.raid_arrays["b"].status = RaidArrayStatus::State::kDegraded;
  return WriteHostStatus(status);
}

Event TransitionTo(JobState state, int64_t wall_seconds) {
  Event event;
  event.sequence = 1;
  event.wall_micros = wall_seconds * 1'000'000;
  event.transition = true;
  event.job = JobSummary{};
  event.job->state = state;
  return event;
}

Event StepTo(const std::string& id, StepEvent::State state, int64_t boot_seconds) {
  Event event;
  event.sequence = 1;
  event.boot_id = "boot-1";
  event.boottime_nanos = boot_seconds * 1'000'000'000;
  event.job = JobSummary{};
  event.step = StepEvent{};
  event.step->id = id;
  event.step->state = state;
  event.step->bytes_to_write = 700;
  event.step->bytes_to_fetch = 100;
  return event;
}

// Sends the request as it is and reads to the end; waits with the answer's read, not with the send.
std::string Ask(uint16_t port, const std::string& request) {
  const test::Socket socket = test::Connect(port);
  REQUIRE(socket.valid());
  test::SendAll(socket, request);
  std::string answer;
  char piece[4096];
  while (const size_t bytes = test::Receive(socket, piece, sizeof(piece))) {
    answer.append(piece, bytes);
  }
  return answer;
}

}  // namespace

TEST_CASE("metrics tell what the journal told, each with its help and type") {
  uint64_t dropped = 3;
  Metrics metrics({.status_yaml = StatusYaml, .dropped_records = [&] { return dropped; }},
                  1'700'000'000'250'000);
  CHECK_THAT(metrics.Text(), !Contains("trident_last_success_timestamp_seconds"));
  metrics.SetLastSuccess(1'600'000'000'000'000);
  CHECK_THAT(metrics.Text(), Contains("trident_last_success_timestamp_seconds 1600000000.000\n"));

  metrics.OnEvent(TransitionTo(JobState::kStaging, 10));
  CHECK_THAT(metrics.Text(), Contains("trident_job_state{state=\"staging\"} 1\n"));
  metrics.OnEvent(StepTo("write-image/root-b", StepEvent::State::kStarted, 100));
  Event log = StepTo("write-image/root-b", StepEvent::State::kStarted, 105);
  log.log = LogEvent{"info", "half way"};
  metrics.OnEvent(log);
  metrics.OnEvent(StepTo("write-image/root-b", StepEvent::State::kDone, 112));
  metrics.OnEvent(StepTo("write-image/esp-b", StepEvent::State::kStarted, 112));
  metrics.OnEvent(StepTo("write-image/esp-b", StepEvent::State::kDone, 113));
  metrics.OnEvent(StepTo("leave", StepEvent::State::kStarted, 113));
  metrics.OnEvent(StepTo("leave", StepEvent::State::kFailed, 115));
  metrics.OnEvent(TransitionTo(JobState::kFailed, 20));
  metrics.OnEvent(TransitionTo(JobState::kSucceeded, 30));
  Event progress = TransitionTo(JobState::kSucceeded, 40);
  progress.sequence = 0;
  metrics.OnEvent(progress);

  const std::string text = metrics.Text();
  for (const char* line : {
           "# HELP trident_jobs_total Jobs",
           "# TYPE trident_jobs_total counter\n",
           "trident_jobs_total{state=\"succeeded\"} 1\n",
           "trident_jobs_total{state=\"failed\"} 1\n",
           "trident_jobs_total{state=\"rolled-back\"} 0\n",
           "trident_job_state{state=\"staging\"} 0\n",
           "# TYPE trident_step_duration_seconds summary\n",
           "trident_step_duration_seconds_sum{step=\"write-image\",result=\"done\"} 13\n",
           "trident_step_duration_seconds_count{step=\"write-image\",result=\"done\"} 2\n",
           "trident_step_duration_seconds_sum{step=\"leave\",result=\"failed\"} 2\n",
           "trident_image_fetched_bytes_total 200\n",
           "trident_image_written_bytes_total 1400\n",
           "trident_last_success_timestamp_seconds 30.000\n",
           "trident_volume_active{volume=\"volume-a\"} 0\n",
           "trident_volume_active{volume=\"volume-b\"} 1\n",
           "trident_raid_arrays 2\n",
           "trident_raid_arrays_degraded 1\n",
           "trident_log_records_dropped_total 3\n",
           "process_start_time_seconds 1700000000.250\n",
           "trident_build_info{version=",
       }) {
    CHECK_THAT(text, Contains(line));
  }
  CHECK(text.back() == '\n');
}

TEST_CASE("a step that was begun in another boot has no duration") {
  Metrics metrics({.status_yaml = StatusYaml, .dropped_records = nullptr}, 0);
  metrics.OnEvent(StepTo("write-image/root-b", StepEvent::State::kStarted, 100));
  Event done = StepTo("write-image/root-b", StepEvent::State::kDone, 7);
  done.boot_id = "boot-2";
  metrics.OnEvent(done);
  CHECK_THAT(metrics.Text(), !Contains("trident_step_duration_seconds_sum"));
  CHECK_THAT(metrics.Text(), Contains("trident_image_written_bytes_total 700\n"));
}

TEST_CASE("the metrics' server answers GET /metrics and refuses everything else") {
  const auto server = MetricsServer::Start(
      0, [] { return std::string("trident_x 1\n"); }, std::chrono::seconds(1));
  REQUIRE_OK(server);
  const uint16_t port = (*server)->port();
  const std::string good = Ask(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK_THAT(good, Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(good, Contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK_THAT(good, Contains("Content-Length: 12\r\n"));
  CHECK_THAT(good, Catch::EndsWith("\r\n\r\ntrident_x 1\n"));
  CHECK_THAT(Ask(port, "GET /metrics?x=1 HTTP/1.0\r\n\r\n"), Contains("200 OK"));
  CHECK_THAT(Ask(port, "HEAD /metrics HTTP/1.1\r\n\r\n"), Catch::EndsWith("\r\n\r\n"));
  CHECK_THAT(Ask(port, "GET / HTTP/1.1\r\n\r\n"), Contains("404 Not Found"));
  CHECK_THAT(Ask(port, "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
             Contains("405 Method Not Allowed"));
  CHECK_THAT(Ask(port, "nonsense\r\n\r\n"), Contains("400 Bad Request"));
  CHECK_THAT(Ask(port, "GET /metrics SPDY\r\n\r\n"), Contains("400 Bad Request"));
}

TEST_CASE("clients of the metrics' server that are too slow or say too much are left") {
  const auto server = MetricsServer::Start(
      0, [] { return std::string("trident_x 1\n"); }, std::chrono::milliseconds(200));
  REQUIRE_OK(server);
  const uint16_t port = (*server)->port();
  // Never ends its request: the server hangs up.
  CHECK(Ask(port, "GET /metrics HTTP/1.1\r\n").empty());
  CHECK(Ask(port, "GET /metrics HTTP/1.1\r\nX: " + std::string(20000, 'x')).empty());
  // The next one is served.
  CHECK_THAT(Ask(port, "GET /metrics HTTP/1.1\r\n\r\n"), Contains("200 OK"));
}

TEST_CASE(
    "a port that is taken is an error that names it, and a server ends while a client waits") {
  auto server = MetricsServer::Start(
      0, [] { return std::string(); }, std::chrono::hours(1));
  REQUIRE_OK(server);
  const uint16_t port = (*server)->port();
  REQUIRE_ERROR(MetricsServer::Start(port, [] { return std::string(); }),
                absl::StatusCode::kAlreadyExists, std::to_string(port));
  const test::Socket idle = test::Connect(port);
  test::SendAll(idle, "GET");
  server->reset();
  CHECK_FALSE(test::Connect(port).valid());
}

TEST_CASE("the metrics' file is there from the begin, follows events, and is written at the end") {
  FakeFiles files;
  files.SetDirectory("/var/lib");
  std::string text = "one\n";
  std::mutex mutex;
  const auto current = [&] {
    const std::lock_guard lock(mutex);
    return text;
  };
  {
    MetricsFile file(files, "/var/lib/trident.prom", current, std::chrono::hours(1));
    const std::lock_guard lock(mutex);
    text = "two\n";
    file.OnEvent(TransitionTo(JobState::kStaging, 1));
  }
  CHECK(files.Get("/var/lib/trident.prom").value_or("") == "two\n");
}

}  // namespace trident
