#include <catch2/catch.hpp>

#include "agent/jobs/event_codec.h"
#include "agent/jobs/job_codec.h"
#include "agent/jobs/progress.h"
#include "common/base/error.h"
#include "tests/agent/jobs/job_bench.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

TEST_CASE("An event comes back from the journal as it was") {
  Event event;
  event.sequence = 7;
  event.wall_micros = 1;
  event.boot_id = "b";
  event.boottime_nanos = 2;
  event.transition = true;
  event.job = JobSummary{.id = "j",
                         .state = JobState::kRolledBack,
                         .kind = ServicingKind::kAbUpdate,
                         .target = Volume::kB,
                         .configuration_digest = "d",
                         .reason = "r",
                         .error = ErrorDetail{.kind = "boot",
                                              .subkind = "s",
                                              .message = "m",
                                              .causes = {"c"},
                                              .remedy = "y",
                                              .retryable = true,
                                              .findings = {}},
                         .created_micros = 3,
                         .updated_micros = 4};
  event.step = StepEvent{.id = "write",
                         .description = "what",
                         .phase = Phase::kFinalize,
                         .index = 2,
                         .count = 5,
                         .state = StepEvent::State::kFailed};
  event.log = LogEvent{"info", "hello \xff"};
  const auto back = EventFromJson(7, EventToJson(event));
  REQUIRE_OK(back);
  CHECK(EventToJson(*back) == EventToJson(event));
  CHECK(back->sequence == 7);
  CHECK(back->job->error->causes == std::vector<std::string>{"c"});
  CHECK(back->job->target == Volume::kB);
  CHECK(back->step->state == StepEvent::State::kFailed);
  CHECK(back->step->phase == Phase::kFinalize);
}

TEST_CASE("Events of a newer agent are read as far as they are understood") {
  const auto unknown_state =
      EventFromJson(1, R"({"transition":true,"job":{"state":"dreaming"},"mood":3})");
  REQUIRE_OK(unknown_state);
  CHECK_FALSE(unknown_state->job.has_value());
  CHECK_FALSE(unknown_state->transition);
  REQUIRE_OK(EventFromJson(1, R"({"wall":"x","boot":5,"log":[],"step":{"index":-1}})"));
  REQUIRE_ERROR(EventFromJson(1, "nonsense"), absl::StatusCode::kDataLoss, "Event 1");
  REQUIRE_ERROR(EventFromJson(1, "[]"), absl::StatusCode::kDataLoss, "Event 1");
}

TEST_CASE("A job comes back from the store as it was") {
  Job job;
  job.id = "j";
  job.state = JobState::kVerifying;
  job.configuration = "c";
  job.configuration_digest = "d";
  job.operations = {.update = true, .transition = false};
  job.force = true;
  job.plan = test::UpdatePlan();
  job.steps_done = 4;
  job.boot_id = "b";
  job.reason = "r";
  job.error = ErrorDetail{};
  job.own_range = {1, 2};
  job.target_range = StoreRange{2, 3};
  job.roll_back_reboots = 1;
  const auto back = JobOfRecord(RecordOfJob(job));
  REQUIRE_OK(back);
  CHECK(RecordOfJob(*back) == RecordOfJob(job));
  CHECK(back->plan == job.plan);
}

TEST_CASE("A job in a state that this agent does not know is told, not guessed") {
  JobRecord record;
  record.id = "j";
  record.state = "dreaming";
  REQUIRE_ERROR(JobOfRecord(record), absl::StatusCode::kUnimplemented, "dreaming");
  CHECK(SummarizeRecord(record).reason.find("dreaming") != std::string::npos);
}

TEST_CASE("Progress never goes back, comes five times a second, and is whole only at the end") {
  constexpr int64_t kSecond = 1'000'000'000;
  ProgressMeter meter(test::UpdatePlan());
  meter.BeginStep(0, 0);
  const auto first = meter.Update(100, 1000, kSecond);
  REQUIRE(first.has_value());
  CHECK(first->rate == Approx(100));
  CHECK(first->seconds_left == Approx(9));
  CHECK_FALSE(meter.Update(200, 1000, kSecond + kSecond / 10).has_value());
  const auto back = meter.Update(50, 1000, 2 * kSecond);
  REQUIRE(back.has_value());
  CHECK(back->bytes_done == 200);
  CHECK(back->fraction >= first->fraction);
  double last = back->fraction;
  for (size_t step = 0; step < test::UpdatePlan().steps.size(); ++step) {
    const int64_t begin = static_cast<int64_t>(step + 3) * 10 * kSecond;
    meter.BeginStep(step, begin);
    const auto full = meter.Update(2000, 1000, begin + kSecond);
    REQUIRE(full.has_value());
    CHECK(full->bytes_done == 1000);
    CHECK(full->fraction >= last);
    CHECK(full->fraction < 1);
    last = full->fraction;
  }
  CHECK(last > 0.9);
  const auto unknown = meter.Update(3000, 0, 1000 * kSecond);
  REQUIRE(unknown.has_value());
  CHECK(unknown->seconds_left < 0);
}

TEST_CASE("The rate is that of the last seconds") {
  constexpr int64_t kSecond = 1'000'000'000;
  ProgressMeter meter(test::UpdatePlan());
  meter.BeginStep(0, 0);
  for (int i = 1; i <= 10; ++i) meter.Update(1000u * static_cast<unsigned>(i), 0, i * kSecond);
  std::optional<ProgressEvent> event;
  for (int i = 11; i <= 20; ++i) event = meter.Update(10000, 0, i * kSecond);
  REQUIRE(event.has_value());
  CHECK(event->rate == Approx(0));
}

}  // namespace
}  // namespace trident
