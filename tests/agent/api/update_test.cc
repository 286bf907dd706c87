#include <catch2/catch.hpp>
#include <thread>

#include "common/base/error.h"
#include "tests/agent/api/api_fixture.h"

namespace trident::test {
namespace {

pb::HostUpdateRequest RequestFor(const std::string& document, const std::string& operations) {
  pb::HostUpdateRequest request;
  request.set_host_configuration(document);
  request.set_allowed_operations(operations);
  return request;
}

Submitted Began(const std::string& job, uint64_t after_sequence = 0) {
  Submitted submitted;
  submitted.job_id = job;
  submitted.after_sequence = after_sequence;
  return submitted;
}

}  // namespace

TEST_CASE("a job that runs to its end is streamed to its end") {
  struct Case {
    const char* name;
    JobState end;
    std::optional<ErrorDetail> error;
    grpc::StatusCode code;
    const char* result;
  };
  ErrorDetail image;
  image.kind = "image";
  image.subkind = "hash-mismatch";
  image.message = "the image of root has another SHA-256";
  ErrorDetail storage;
  storage.kind = "storage";
  storage.message = "cannot write /dev/vda3";
  ErrorDetail network;
  network.kind = "network";
  network.message = "http://images stalled";
  ErrorDetail health;
  health.kind = "health";
  health.message = "volume-a booted instead of volume-b";
  const Case cases[] = {
      {"succeeded is OK", JobState::kSucceeded, std::nullopt, grpc::OK, "succeeded"},
      {"the code of a failure comes from its kind", JobState::kFailed, image, grpc::DATA_LOSS,
       "failed"},
      {"a kind that has no code is INTERNAL", JobState::kFailed, storage, grpc::INTERNAL, "failed"},
      {"a network failure is not what clients retry", JobState::kFailed, network,
       grpc::FAILED_PRECONDITION, "failed"},
      {"a failure without a detail is INTERNAL", JobState::kFailed, std::nullopt, grpc::INTERNAL,
       "failed"},
      {"cancelled", JobState::kCancelled, std::nullopt, grpc::CANCELLED, "cancelled"},
      {"rolled back", JobState::kRolledBack, health, grpc::ABORTED, "rolled-back"},
      {"rebooting ends the stream well", JobState::kRebooting, std::nullopt, grpc::OK, "rebooting"},
  };
  for (const Case& test : cases) {
    DYNAMIC_SECTION(test.name) {
      ApiFixture api;
      api.jobs.Append(LogOf(JobIn(JobState::kSucceeded, "job-0"), "an older job's"));
      api.jobs.SetJob(JobIn(JobState::kStaging));
      api.jobs.submit = Began("job-1", 1);
      JobSummary ended = JobIn(test.end);
      ended.reason = "because";
      ended.error = test.error;
      std::thread job([&] {
        api.jobs.AwaitSubscriptions(1);
        api.jobs.Append(StepOf(JobIn(JobState::kStaging), StepEvent::State::kStarted));
        api.jobs.Append(LogOf(JobIn(JobState::kSucceeded, "job-0"), "of another job"));
        api.jobs.Append(LogOf(JobIn(JobState::kStaging), "bytes \xff are not UTF-8"));
        api.jobs.Append(TransitionOf(ended));
      });
      const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), "update | transition"));
      job.join();

      INFO(streamed.status.error_message());
      REQUIRE(streamed.status.error_code() == test.code);
      REQUIRE(streamed.messages.size() == 4);
      for (const auto& message : streamed.messages) {
        CHECK(message.status() == "reconcileState: ready\n");
        CHECK(message.journal_id() == "journal-1");
        CHECK(message.job().id() == "job-1");
      }
      CHECK(streamed.messages[0].sequence() == 0);
      CHECK(streamed.messages[0].newest_sequence() == 1);
      CHECK(streamed.messages[1].sequence() == 2);
      CHECK(streamed.messages[1].step().id() == "write-image/root");
      CHECK(streamed.messages[1].step().index() == 3);
      CHECK(streamed.messages[1].step().count() == 12);
      CHECK(streamed.messages[1].step().phase() == "stage");
      CHECK(streamed.messages[1].step().state() == pb::StepState::STATE_STARTED);
      CHECK(streamed.messages[2].log().message() == "bytes \xEF\xBF\xBD are not UTF-8");
      const pb::HostStatusState& last = streamed.messages[3];
      CHECK(last.sequence() == 5);
      CHECK(last.timestamp().seconds() == 1'700'000'000);
      CHECK(last.timestamp().nanos() == 123'456'000);
      CHECK(last.boot_id() == "boot-1");
      CHECK(last.boottime_ns() == 42);
      CHECK(last.job().target_volume() == "volume-b");
      CHECK(last.job().servicing_kind() == "ab-update");
      CHECK(last.outcome().result() == test.result);
      CHECK(last.outcome().message() == "because");
      CHECK_FALSE(streamed.messages[2].has_outcome());
      if (test.error) {
        CHECK(last.outcome().error().message() == test.error->message);
        CHECK(DetailOf(streamed.status).kind() == test.error->kind);
      }
      if (!streamed.status.ok()) CHECK_FALSE(DetailOf(streamed.status).message().empty());
      CHECK(api.jobs.submission.operations == AllowedOperations::All());
      CHECK(api.jobs.AwaitSubscriptions(0));
    }
  }
}

TEST_CASE("what staged means depends on what the submitter allowed") {
  ApiFixture api;
  api.jobs.SetJob(JobIn(JobState::kStaging));
  api.jobs.submit = Began("job-1");
  SECTION("the stream ends when the transition is not allowed") {
    api.jobs.operations = {.update = true, .transition = false};
    api.jobs.Append(TransitionOf(JobIn(JobState::kStaged)));
    const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), "update"));
    CHECK(streamed.status.ok());
    CHECK(streamed.messages.back().outcome().result() == "staged");
    CHECK_FALSE(streamed.messages.back().outcome().message().empty());
  }
  SECTION("the stream goes on when it is") {
    api.jobs.Append(TransitionOf(JobIn(JobState::kStaged)));
    api.jobs.Append(TransitionOf(JobIn(JobState::kSucceeded)));
    const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), "update | transition"));
    CHECK(streamed.status.ok());
    REQUIRE(streamed.messages.size() == 3);
    CHECK_FALSE(streamed.messages[1].has_outcome());
    CHECK(streamed.messages.back().outcome().result() == "succeeded");
  }
}

TEST_CASE("a job that ended before the call is told from its record") {
  ApiFixture api;
  api.jobs.Append(TransitionOf(JobIn(JobState::kSucceeded)));
  api.jobs.submit = Began("job-1", 1);
  const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), "update"));
  CHECK(streamed.status.ok());
  REQUIRE(streamed.messages.size() == 2);
  CHECK(streamed.messages.back().outcome().result() == "succeeded");
}

TEST_CASE("only looking answers with what would be done") {
  ApiFixture api;
  Submitted looked;
  SECTION("an update") {
    looked.plan.kind = ServicingKind::kAbUpdate;
    looked.plan.target = Volume::kB;
    looked.plan.steps.resize(12);
    looked.plan.reboots = true;
    api.jobs.submit = looked;
    const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), ""));
    CHECK(streamed.status.ok());
    REQUIRE(streamed.messages.size() == 1);
    CHECK(streamed.messages[0].outcome().result() == "ok");
    CHECK(streamed.messages[0].outcome().message() ==
          "would do: ab-update, 12 steps, onto volume-b, with a reboot");
    CHECK(streamed.messages[0].status() == "reconcileState: ready\n");
    CHECK(api.jobs.submission.operations == AllowedOperations::None());
  }
  SECTION("nothing") {
    api.jobs.submit = looked;
    const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), ""));
    CHECK(streamed.status.ok());
    CHECK(streamed.messages.at(0).outcome().message() == "nothing to do: the host is as desired");
  }
}

TEST_CASE("the submission carries what the request says") {
  ApiFixture api;
  pb::HostUpdateRequest request = RequestFor(GoodDocument(), " TRANSITION|Update ");
  request.set_plan_digest("abc");
  request.set_force(true);
  CHECK(api.UpdateHost(request).status.ok());
  CHECK(api.jobs.submission.plan_digest == "abc");
  CHECK(api.jobs.submission.force);
  CHECK(api.jobs.submission.operations == AllowedOperations::All());
}

TEST_CASE("a refusal has a message with the status and a rich error") {
  struct Case {
    const char* name;
    std::string document;
    const char* operations;
    absl::Status answer;
    grpc::StatusCode code;
    const char* words;
  };
  const Case cases[] = {
      {"an unknown word of allowedOperations", GoodDocument(), "update | reboot", absl::OkStatus(),
       grpc::INVALID_ARGUMENT, "reboot"},
      {"another job is active", GoodDocument(), "update",
       MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "job-active",
                 "job 7 is staging another configuration", "Cancel it first."),
       grpc::FAILED_PRECONDITION, "job 7"},
      {"a part that does not work yet", GoodDocument(), "update",
       MakeError(absl::StatusCode::kUnimplemented, "unsupported", "raid",
                 "storage.raid is not supported yet"),
       grpc::UNIMPLEMENTED, "storage.raid"},
      {"an unclosed quote", "storage: \"", "update", absl::OkStatus(), grpc::INVALID_ARGUMENT, ""},
      {"an empty document", "", "update", absl::OkStatus(), grpc::INVALID_ARGUMENT, ""},
      {"NUL bytes", std::string("storage:\0", 9), "update", absl::OkStatus(),
       grpc::INVALID_ARGUMENT, ""},
      {"10,000 levels", std::string(10'000, '['), "update", absl::OkStatus(),
       grpc::INVALID_ARGUMENT, ""},
  };
  for (const Case& test : cases) {
    DYNAMIC_SECTION(test.name) {
      ApiFixture api;
      if (!test.answer.ok()) api.jobs.submit = test.answer;
      const Streamed streamed = api.UpdateHost(RequestFor(test.document, test.operations));
      INFO(streamed.status.error_message());
      REQUIRE(streamed.status.error_code() == test.code);
      CHECK_THAT(streamed.status.error_message(), Catch::Matchers::Contains(test.words));
      REQUIRE(streamed.messages.size() == 1);
      CHECK(streamed.messages[0].status() == "reconcileState: ready\n");
      CHECK(streamed.messages[0].outcome().result() == "refused");
      const pb::ErrorDetail detail = DetailOf(streamed.status);
      CHECK(detail.kind() == streamed.messages[0].outcome().error().kind());
      CHECK_FALSE(detail.kind().empty());
      CHECK(api.GetStatus({}).status.ok());  // unharmed
    }
  }
}

TEST_CASE("all findings are in the outcome, the first ones in the status details") {
  ApiFixture api;
  ErrorDetail refused;
  refused.kind = "invalid-input";
  refused.subkind = "host-configuration";
  refused.message = "the document has 400 findings";
  for (uint32_t i = 1; i <= 400; ++i) {
    refused.findings.push_back({"storage.disks[0]", i, 1, std::string(i % 700, 'x'), "remove it"});
  }
  api.jobs.submit = MakeError(absl::StatusCode::kInvalidArgument, refused);
  const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), "update"));
  REQUIRE(streamed.status.error_code() == grpc::INVALID_ARGUMENT);
  CHECK(streamed.status.error_details().size() < 4096);
  const pb::ErrorDetail detail = DetailOf(streamed.status);
  CHECK(detail.finding_count() == 400);
  REQUIRE(detail.findings_size() > 5);
  CHECK(detail.findings(0).line() == 1);
  REQUIRE(streamed.messages.size() == 1);
  const pb::Outcome& outcome = streamed.messages[0].outcome();
  REQUIRE(outcome.findings_size() == 400);
  CHECK(outcome.findings(399).line() == 400);
  CHECK(outcome.error().finding_count() == 400);
}

TEST_CASE("long texts do not make the trailers too large") {
  ApiFixture api;
  ErrorDetail large;
  large.kind = "storage";
  large.subkind = "tool";
  large.message = std::string(100'000, 'm');
  large.remedy = std::string(100'000, 'r');
  for (int i = 0; i < 50; ++i) large.causes.push_back(std::string(5'000, 'c'));
  large.causes.push_back("the root of it");
  api.jobs.submit = MakeError(absl::StatusCode::kInternal, large);
  const Streamed streamed = api.UpdateHost(RequestFor(GoodDocument(), "update"));
  REQUIRE(streamed.status.error_code() == grpc::INTERNAL);
  CHECK(streamed.status.error_details().size() < 4096);
  const pb::ErrorDetail detail = DetailOf(streamed.status);
  REQUIRE(detail.causes_size() > 1);
  CHECK(detail.causes(detail.causes_size() - 1) == "the root of it");
  CHECK(streamed.messages.at(0).outcome().error().message().size() == 100'000);
}

TEST_CASE("a second client sees the job that the first one began") {
  ApiFixture api;
  api.jobs.SetJob(JobIn(JobState::kStaging));
  api.jobs.submit = Began("job-1");
  const auto first = api.NewContext();
  const auto reader = api.stub->UpdateHost(first.get(), RequestFor(GoodDocument(), "update"));
  pb::HostStatusState message;
  REQUIRE(reader->Read(&message));

  SECTION("with the same configuration both see the end") {
    std::thread job([&] {
      api.jobs.AwaitSubscriptions(2);
      api.jobs.Append(TransitionOf(JobIn(JobState::kSucceeded)));
    });
    const Streamed second = api.UpdateHost(RequestFor(GoodDocument(), "update"));
    job.join();
    CHECK(second.status.ok());
    CHECK(second.messages.back().outcome().result() == "succeeded");
    REQUIRE(reader->Read(&message));
    CHECK(message.outcome().result() == "succeeded");
    CHECK(reader->Finish().ok());
  }
  SECTION("with another one it is refused, and the first goes on") {
    api.jobs.submit = MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "job-active",
                                "job-1 is active");
    CHECK(api.UpdateHost(RequestFor(GoodDocument(), "update")).status.error_code() ==
          grpc::FAILED_PRECONDITION);
    api.jobs.Append(TransitionOf(JobIn(JobState::kSucceeded)));
    REQUIRE(reader->Read(&message));
    CHECK(reader->Finish().ok());
  }
}

TEST_CASE("a client that goes away cancels nothing and leaves nothing behind") {
  ApiFixture api;
  api.jobs.SetJob(JobIn(JobState::kStaging));
  api.jobs.submit = Began("job-1");
  {
    const auto context = api.NewContext();
    const auto reader = api.stub->UpdateHost(context.get(), RequestFor(GoodDocument(), "update"));
    pb::HostStatusState message;
    REQUIRE(reader->Read(&message));
    context->TryCancel();
    CHECK(reader->Finish().error_code() == grpc::CANCELLED);
  }
  REQUIRE(api.jobs.AwaitSubscriptions(0));
  CHECK(api.jobs.lever_name.empty());
  api.jobs.Append(StepOf(JobIn(JobState::kStaging), StepEvent::State::kDone));
}

TEST_CASE("a stream that was cut by pruning says so and goes on to the end") {
  ApiFixture api;
  api.jobs.SetJob(JobIn(JobState::kStaging));
  api.jobs.submit = Began("job-1");
  const auto context = api.NewContext();
  const auto reader = api.stub->UpdateHost(context.get(), RequestFor(GoodDocument(), "update"));
  pb::HostStatusState message;
  REQUIRE(reader->Read(&message));
  REQUIRE(api.jobs.AwaitSubscriptions(1));
  // The newest event is gone before the stream could read it: nobody was woken for it.
  api.jobs.SetJob(JobIn(JobState::kSucceeded));
  api.jobs.Prune(5);
  for (int i = 0; i < 5; ++i) api.jobs.Append(LogOf(JobIn(JobState::kStaging), "lost or not"));
  bool gap = false;
  while (reader->Read(&message)) gap = gap || message.gap();
  CHECK(gap);
  CHECK(message.outcome().result() == "succeeded");
  CHECK(reader->Finish().ok());
}

TEST_CASE("an agent that stops tells the watchers of a job where to go on") {
  // The connection may end before the client has read that.
  constexpr int kAttempts = 20;
  bool told = false;
  for (int attempt = 0; attempt < kAttempts && !told; ++attempt) {
    ApiFixture api;
    api.jobs.SetJob(JobIn(JobState::kStaging));
    api.jobs.submit = Began("job-1");
    const auto context = api.NewContext();
    const auto reader = api.stub->UpdateHost(context.get(), RequestFor(GoodDocument(), "update"));
    pb::HostStatusState message;
    REQUIRE(reader->Read(&message));
    api.server->Shutdown();
    const grpc::Status status = ReadAll(*reader).status;
    REQUIRE(status.error_code() == grpc::UNAVAILABLE);
    told = !status.error_details().empty();
    if (!told) continue;
    CHECK(DetailOf(status).subkind() == "agent-stopping");
    CHECK(DetailOf(status).retryable());
  }
  CHECK(told);
}

}  // namespace trident::test
