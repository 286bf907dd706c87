#include <catch2/catch.hpp>
#include <thread>

#include "tests/client/client_fixture.h"

namespace trident::client::test {
namespace {

Scripted RebootingUpdate() {
  return {
      .messages = {JobMessage(pb::JOB_STATE_STAGING, 0, 10), JobMessage(pb::JOB_STATE_STAGED, 11),
                   EndMessage(pb::JOB_STATE_REBOOTING, "rebooting", 12)},
      .status = {}};
}

}  // namespace

TEST_CASE("a reboot is waited for, and the stream goes on where it was") {
  ClientFixture client;
  client.in.str("storage: {}\n");
  client.agent.updates = {RebootingUpdate()};
  client.agent.follows = {// The old agent still answers, then is gone.
                          {.messages = {JobMessage(pb::JOB_STATE_REBOOTING, 0, 12)}, .status = {}},
                          {.messages = {JobMessage(pb::JOB_STATE_VERIFYING, 0, 13),
                                        JobMessage(pb::JOB_STATE_VERIFYING, 13),
                                        EndMessage(pb::JOB_STATE_SUCCEEDED, "succeeded", 14)},
                           .status = {},
                           .hold = true}};
  client.StartAgent();
  CHECK(client.Run({"update", "-f", "-"}) == 0);
  CHECK_THAT(client.out.str(), Catch::Matchers::Contains("the host reboots"));
  CHECK_THAT(client.out.str(), Catch::Matchers::Contains("succeeded"));
  REQUIRE(client.agent.asked.size() == 2);
  for (const auto& request : client.agent.asked) {
    CHECK(request.follow());
    CHECK(request.after_sequence() == 12);
    CHECK(request.journal_id() == "journal-1");
  }
}

TEST_CASE("an agent that is away for a while is found again") {
  ClientFixture client;
  client.in.str("storage: {}\n");
  client.agent.updates = {RebootingUpdate()};
  client.agent.follows = {
      {.messages = {EndMessage(pb::JOB_STATE_ROLLED_BACK, "rolled-back", 13)}, .status = {}}};
  client.StartAgent();
  std::thread host;
  client.agent.updates.front().before_end = [&] {
    host = std::thread([&] {
      client.StopAgent();
      client.StartAgent();
    });
  };
  CHECK(client.Run({"update", "-f", "-"}) == 3);
  host.join();
}

TEST_CASE("a connection that breaks in the middle of a job is made again") {
  const std::pair<const char*, grpc::Status> cases[] = {
      {"broken", {grpc::UNAVAILABLE, "socket closed"}},
      {"an agent that stops",
       RichStatus(grpc::UNAVAILABLE, "environment", "stopping", "agent-stopping")},
      {"cut by a shutdown", {grpc::CANCELLED, ""}},
  };
  for (const auto& [name, status] : cases) {
    DYNAMIC_SECTION(name) {
      ClientFixture client;
      client.in.str("storage: {}\n");
      client.agent.updates = {
          {.messages = {JobMessage(pb::JOB_STATE_STAGING, 0, 10)}, .status = status}};
      client.agent.follows = {
          {.messages = {EndMessage(pb::JOB_STATE_SUCCEEDED, "succeeded", 11)}, .status = {}}};
      client.StartAgent();
      CHECK(client.Run({"update", "-f", "-"}) == 0);
      CHECK_THAT(client.out.str(), Catch::Matchers::Contains("connection is lost"));
      REQUIRE(client.agent.asked.size() == 1);
      CHECK(client.agent.asked[0].after_sequence() == 10);
    }
  }
}

TEST_CASE("a resumed watch ends also when the end itself cannot be seen any more") {
  ClientFixture client;
  client.in.str("storage: {}\n");
  client.agent.updates = {RebootingUpdate()};
  const Scripted out_of_range = {
      .messages = {}, .status = RichStatus(grpc::OUT_OF_RANGE, "precondition", "pruned")};
  pb::HostStatusState failed = JobMessage(pb::JOB_STATE_FAILED, 0, 90);
  failed.mutable_job()->set_reason("no space");
  pb::HostStatusState other = JobMessage(pb::JOB_STATE_STAGING, 0, 90);
  other.mutable_job()->set_id("job-2");

  SECTION("the journal was pruned and the job has failed") {
    client.agent.follows = {out_of_range, {.messages = {failed}, .status = {}, .hold = true}};
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-"}) == 2);
    REQUIRE(client.agent.asked.size() == 2);
    CHECK_FALSE(client.agent.asked[1].has_after_sequence());
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("failed: no space"));
  }
  SECTION("another job is the newest by now") {
    client.agent.follows = {out_of_range, {.messages = {other}, .status = {}, .hold = true}};
    *client.agent.jobs.add_jobs() = other.job();
    *client.agent.jobs.add_jobs() = JobMessage(pb::JOB_STATE_SUCCEEDED, 0).job();
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-"}) == 0);
  }
  SECTION("the agent does not know the job") {
    client.agent.follows = {out_of_range, {.messages = {other}, .status = {}, .hold = true}};
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-"}) == 2);
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("does not know job job-1"));
  }
  SECTION("what is staged stays staged without leave to go on") {
    client.agent.updates = {{.messages = {JobMessage(pb::JOB_STATE_STAGING, 0, 10)},
                             .status = {grpc::UNAVAILABLE, "socket closed"}}};
    client.agent.follows = {
        {.messages = {JobMessage(pb::JOB_STATE_STAGED, 0, 10)}, .status = {}, .hold = true}};
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-", "--allowed-operations", "update"}) == 0);
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("staged"));
  }
}

TEST_CASE("patience with a host ends") {
  ClientFixture client;
  client.in.str("storage: {}\n");
  client.agent.updates = {RebootingUpdate()};
  SECTION("that is away") {
    std::thread host;
    // The client may be back before the host is away.
    client.agent.follows = {
        {.messages = {JobMessage(pb::JOB_STATE_REBOOTING, 0, 12)}, .status = {}, .hold = true}};
    client.agent.updates.front().before_end = [&] {
      host = std::thread([&] { client.StopAgent(); });
    };
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-", "--reboot-timeout", "0.3"}) == 4);
    host.join();
  }
  SECTION("that stays connected but does not leave") {
    client.agent.follows = {
        {.messages = {JobMessage(pb::JOB_STATE_REBOOTING, 0, 12)}, .status = {}, .hold = true}};
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-", "--reboot-timeout", "0.3"}) == 4);
  }
  CHECK_THAT(client.err.str(), Catch::Matchers::Contains("did not come back within 0.3 s"));
  CHECK_THAT(client.err.str(), Catch::Matchers::Contains("job-1"));
}

TEST_CASE("an interrupt leaves the job alone and says how to follow it") {
  ClientFixture client;
  client.in.str("storage: {}\n");
  SECTION("while the job runs") {
    client.agent.updates = {{.messages = {JobMessage(pb::JOB_STATE_STAGING, 0, 10)},
                             .status = {},
                             .hold = true,
                             .before_end = [&] { client.interrupt.Trigger(); }}};
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-"}) == 130);
  }
  SECTION("while the host is away") {
    client.agent.updates = {RebootingUpdate()};
    client.agent.follows = {{.messages = {JobMessage(pb::JOB_STATE_REBOOTING, 0, 12)},
                             .status = {},
                             .hold = true,
                             .before_end = [&] { client.interrupt.Trigger(); }}};
    client.StartAgent();
    CHECK(client.Run({"update", "-f", "-"}) == 130);
  }
}

TEST_CASE("finalize watches from before its call") {
  ClientFixture client;
  *client.agent.job.mutable_job() = JobMessage(pb::JOB_STATE_FINALIZING, 0).job();
  client.agent.follows = {{.messages = {JobMessage(pb::JOB_STATE_STAGED, 0, 20)}, .status = {}},
                          {.messages = {JobMessage(pb::JOB_STATE_FINALIZING, 0, 21),
                                        JobMessage(pb::JOB_STATE_FINALIZING, 21),
                                        EndMessage(pb::JOB_STATE_SUCCEEDED, "succeeded", 22)},
                           .status = {}}};
  client.StartAgent();
  CHECK(client.Run({"finalize"}) == 0);
  REQUIRE(client.agent.asked.size() == 2);
  CHECK(client.agent.asked[1].after_sequence() == 20);
}

}  // namespace trident::client::test
