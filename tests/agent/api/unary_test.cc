#include <grpcpp/generic/generic_stub.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/base/error.h"
#include "common/base/version.h"
#include "tests/agent/api/api_fixture.h"

namespace trident::test {
namespace {

// Sends bytes as they are, as a client in a language without checked strings may do.
grpc::Status CallRaw(const ApiFixture& api, const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(api.channel);
  const auto context = api.NewContext();
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  auto call =
      stub.PrepareUnaryCall(context.get(), "/trident.HostManagement/" + method, request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

}  // namespace

TEST_CASE("bytes that are not a message are INVALID_ARGUMENT with words") {
  ApiFixture api;
  const std::string invalid_utf8 =
      "\x0a\x03"  // field 1, three bytes
      "a\xff"
      "b";
  const std::string truncated = "\x0a\x7f";
  for (const std::string method :
       {"UpdateHost", "PlanHost", "ValidateHostConfiguration", "FinalizeHost", "CancelJob"}) {
    for (const std::string& bytes : {invalid_utf8, truncated}) {
      INFO(method);
      const grpc::Status status = CallRaw(api, method, bytes);
      CHECK(status.error_code() == grpc::INVALID_ARGUMENT);
      CHECK_THAT(status.error_message(), Catch::Matchers::Contains("UTF-8"));
      CHECK(DetailOf(status).kind() == "invalid-input");
    }
  }
  CHECK(CallRaw(api, "GetVersion", "").ok());
}

TEST_CASE("a request over the limit is RESOURCE_EXHAUSTED") {
  ApiFixture api;
  pb::ValidateHostConfigurationRequest request;
  request.set_host_configuration(std::string((4 << 20) + 1, '#'));
  pb::ValidateHostConfigurationResponse response;
  const auto context = api.NewContext();
  const grpc::Status status =
      api.stub->ValidateHostConfiguration(context.get(), request, &response);
  CHECK(status.error_code() == grpc::RESOURCE_EXHAUSTED);
  pb::HostUpdateRequest update;
  update.set_host_configuration(std::string((4 << 20) + 1, '#'));
  CHECK(api.UpdateHost(update).status.error_code() == grpc::RESOURCE_EXHAUSTED);
  CHECK(api.GetStatus({}).status.ok());
}

TEST_CASE("validation answers with findings, not with an error") {
  ApiFixture api;
  pb::ValidateHostConfigurationRequest request;
  pb::ValidateHostConfigurationResponse response;
  SECTION("a good document has none") {
    request.set_host_configuration(GoodDocument());
    const auto context = api.NewContext();
    REQUIRE(api.stub->ValidateHostConfiguration(context.get(), request, &response).ok());
    CHECK(response.valid());
    CHECK(response.findings().empty());
  }
  SECTION("a bad document has all of them") {
    request.set_host_configuration("colour: red\nshape: round\n");
    const auto context = api.NewContext();
    REQUIRE(api.stub->ValidateHostConfiguration(context.get(), request, &response).ok());
    CHECK_FALSE(response.valid());
    REQUIRE_FALSE(response.findings().empty());
    CHECK(response.findings(0).line() == 1);
  }
}

TEST_CASE("a plan is told completely") {
  ApiFixture api;
  Plan plan;
  plan.kind = ServicingKind::kCleanInstall;
  plan.target = Volume::kA;
  plan.steps = {{.id = "write-image/root-a",
                 .kind = StepKind::kWriteImage,
                 .phase = Phase::kStage,
                 .subject = "root-a",
                 .description = "write the image",
                 .bytes = 99}};
  plan.bytes_to_fetch = 1;
  plan.bytes_to_write = 2;
  plan.destroyed = {{.device = "/dev/vda", .what = "a dos table"}};
  plan.reboots = true;
  plan.warnings = {"no watchdog"};
  plan.digest = "p1";
  api.jobs.plan = plan;
  pb::PlanHostRequest request;
  request.set_host_configuration(GoodDocument());
  pb::PlanHostResponse response;
  const auto context = api.NewContext();
  REQUIRE(api.stub->PlanHost(context.get(), request, &response).ok());
  CHECK(response.servicing_kind() == "clean-install");
  CHECK(response.target_volume() == "volume-a");
  REQUIRE(response.steps_size() == 1);
  CHECK(response.steps(0).id() == "write-image/root-a");
  CHECK(response.steps(0).phase() == "stage");
  CHECK(response.steps(0).description() == "write the image");
  CHECK(response.steps(0).bytes() == 99);
  CHECK(response.bytes_to_fetch() == 1);
  CHECK(response.bytes_to_write() == 2);
  REQUIRE(response.destroyed_size() == 1);
  CHECK(response.destroyed(0).device() == "/dev/vda");
  CHECK(response.destroyed(0).what() == "a dos table");
  CHECK(response.reboots());
  CHECK(response.warnings(0) == "no watchdog");
  CHECK(response.digest() == "p1");
}

TEST_CASE("planning errors travel with their detail") {
  ApiFixture api;
  ErrorDetail small;
  small.kind = "precondition";
  small.subkind = "disk-too-small";
  small.message = "disk os is too small";
  small.causes = {"needs 8 GiB", "has 4 GiB"};
  small.remedy = "Use a larger disk.";
  api.jobs.plan = MakeError(absl::StatusCode::kFailedPrecondition, small);
  pb::PlanHostRequest request;
  request.set_host_configuration(GoodDocument());
  pb::PlanHostResponse response;
  const auto context = api.NewContext();
  const grpc::Status status = api.stub->PlanHost(context.get(), request, &response);
  CHECK(status.error_code() == grpc::FAILED_PRECONDITION);
  CHECK(status.error_message() == "disk os is too small");
  const pb::ErrorDetail detail = DetailOf(status);
  CHECK(detail.kind() == "precondition");
  CHECK(detail.subkind() == "disk-too-small");
  CHECK(detail.message() == "disk os is too small");
  REQUIRE(detail.causes_size() == 2);
  CHECK(detail.causes(1) == "has 4 GiB");
  CHECK(detail.remedy() == "Use a larger disk.");
}

TEST_CASE("plans that wait do not block other calls, and too many are refused") {
  ApiFixture api;
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int running = 0;
  api.jobs.during_plan = [&] {
    std::unique_lock lock(mutex);
    ++running;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
  };
  constexpr int kRunning = 4;
  constexpr int kWaiting = 64;
  constexpr int kCalls = 100;
  pb::PlanHostRequest request;
  request.set_host_configuration(GoodDocument());
  std::mutex results_mutex;
  std::vector<grpc::StatusCode> results;
  std::condition_variable refused;
  pb::PlanHostResponse responses[kCalls];
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  const auto call = [&](pb::PlanHostResponse& response) {
    contexts.push_back(api.NewContext());
    api.stub->async()->PlanHost(contexts.back().get(), &request, &response,
                                [&](grpc::Status status) {
                                  const std::lock_guard lock(results_mutex);
                                  results.push_back(status.error_code());
                                  refused.notify_all();
                                });
  };
  for (int i = 0; i < kRunning; ++i) call(responses[i]);
  {
    // Those that arrive before a worker took the first would count as waiting.
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return running == kRunning; }));
  }
  for (int i = kRunning; i < kCalls; ++i) call(responses[i]);
  {
    std::unique_lock lock(results_mutex);
    REQUIRE(refused.wait_for(lock, std::chrono::seconds(30),
                             [&] { return results.size() >= kCalls - kWaiting - kRunning; }));
    for (const auto code : results) CHECK(code == grpc::RESOURCE_EXHAUSTED);
  }
  CHECK(api.GetStatus({}).status.ok());
  pb::ListJobsResponse listed;
  const auto context = api.NewContext();
  CHECK(api.stub->ListJobs(context.get(), {}, &listed).ok());
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  changed.notify_all();
  std::unique_lock lock(results_mutex);
  REQUIRE(
      refused.wait_for(lock, std::chrono::seconds(30), [&] { return results.size() == kCalls; }));
  CHECK(std::count(results.begin(), results.end(), grpc::OK) == kWaiting + kRunning);
}

TEST_CASE("a plan that waits does not hold up the shutdown") {
  ApiFixture api;
  std::mutex mutex;
  std::condition_variable changed;
  bool planning = false;
  bool open = false;
  api.jobs.during_plan = [&] {
    std::unique_lock lock(mutex);
    planning = true;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
  };
  pb::PlanHostRequest request;
  request.set_host_configuration(GoodDocument());
  grpc::Status status;
  std::thread caller([&] {
    pb::PlanHostResponse response;
    const auto context = api.NewContext();
    status = api.stub->PlanHost(context.get(), request, &response);
  });
  {
    std::unique_lock lock(mutex);
    CHECK(changed.wait_for(lock, std::chrono::seconds(60), [&] { return planning; }));
  }
  api.server->Shutdown();
  caller.join();
  CHECK_FALSE(status.ok());
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  changed.notify_all();
}

TEST_CASE("the operator's levers reach the job manager") {
  ApiFixture api;
  api.jobs.lever = JobIn(JobState::kFinalizing);
  pb::JobResponse response;
  const auto context = api.NewContext();
  SECTION("finalize") {
    pb::FinalizeHostRequest request;
    request.set_job_id("job-1");
    REQUIRE(api.stub->FinalizeHost(context.get(), request, &response).ok());
    CHECK(api.jobs.lever_name == "finalize");
    CHECK(api.jobs.lever_job == "job-1");
    CHECK(response.job().state() == pb::JOB_STATE_FINALIZING);
  }
  SECTION("commit") {
    REQUIRE(api.stub->CommitHost(context.get(), {}, &response).ok());
    CHECK(api.jobs.lever_name == "commit");
    CHECK(api.jobs.lever_job.empty());
  }
  SECTION("roll back") {
    REQUIRE(api.stub->RollbackHost(context.get(), {}, &response).ok());
    CHECK(api.jobs.lever_name == "rollback");
  }
  SECTION("cancel") {
    REQUIRE(api.stub->CancelJob(context.get(), {}, &response).ok());
    CHECK(api.jobs.lever_name == "cancel");
  }
  SECTION("what belongs to a later version says so") {
    api.jobs.lever = MakeError(absl::StatusCode::kUnimplemented, "unsupported", "rollback",
                               "rolling back a committed update does not work yet");
    const grpc::Status status = api.stub->RollbackHost(context.get(), {}, &response);
    CHECK(status.error_code() == grpc::UNIMPLEMENTED);
    CHECK(status.error_message() == "rolling back a committed update does not work yet");
  }
}

TEST_CASE("records are told") {
  ApiFixture api;
  SECTION("jobs, newest first, up to the limit") {
    for (const char* id : {"job-1", "job-2", "job-3"}) {
      api.jobs.SetJob(JobIn(JobState::kSucceeded, id));
    }
    pb::ListJobsRequest request;
    request.set_limit(2);
    pb::ListJobsResponse response;
    const auto context = api.NewContext();
    REQUIRE(api.stub->ListJobs(context.get(), request, &response).ok());
    REQUIRE(response.jobs_size() == 2);
    CHECK(response.jobs(0).id() == "job-3");
    CHECK(response.jobs(0).created().seconds() == 1'700'000'000);
  }
  SECTION("the configuration") {
    api.jobs.configuration =
        JobManager::RecordedConfiguration{.yaml = "storage: {}\n", .digest = "d"};
    pb::GetHostConfigurationResponse response;
    const auto context = api.NewContext();
    REQUIRE(api.stub->GetHostConfiguration(context.get(), {}, &response).ok());
    CHECK(response.host_configuration() == "storage: {}\n");
    CHECK(response.configuration_digest() == "d");
  }
  SECTION("the version") {
    pb::GetVersionResponse response;
    const auto context = api.NewContext();
    REQUIRE(api.stub->GetVersion(context.get(), {}, &response).ok());
    CHECK(response.version() == TRIDENT_VERSION);
    CHECK(response.store_schema_oldest() == 1);
    CHECK(response.store_schema_newest() == 2);
  }
}

}  // namespace trident::test
