#include <catch2/catch.hpp>
#include <thread>

#include "client/command_line.h"
#include "client/connection.h"
#include "client/document_file.h"
#include "tests/client/client_fixture.h"

namespace trident::client::test {

using trident::test::WriteFile;

TEST_CASE("agents are named by socket or by host and port") {
  struct Case {
    const char* text;
    const char* target;  // null: refused
  };
  const Case cases[] = {
      {"unix:/run/trident/trident.sock", "unix:/run/trident/trident.sock"},
      {"unix:///run/t.sock", "unix:/run/t.sock"},
      {"127.0.0.1:50051", "dns:127.0.0.1:50051"},
      {"[::1]:50051", "dns:[::1]:50051"},
      {"host.example:1", "dns:host.example:1"},
      {"unix:", nullptr},
      {"", nullptr},
      {"host", nullptr},
      {":50051", nullptr},
      {"host:0", nullptr},
      {"host:65536", nullptr},
      {"host:port", nullptr},
      {"::1:50051", nullptr},
      {"http://host:80", nullptr},
  };
  for (const Case& test : cases) {
    INFO(test.text);
    const auto target = ParseServer(test.text);
    REQUIRE(target.ok() == (test.target != nullptr));
    if (target.ok()) CHECK(*target == test.target);
  }
}

TEST_CASE("mistakes in the arguments are usage errors") {
  const std::vector<std::string> cases[] = {
      {},
      {"frobnicate"},
      {"update"},
      {"update", "-f"},
      {"jobs", "--limit", "many"},
      {"jobs", "-o", "xml"},
      {"jobs", "--server", "nowhere"},
      {"update", "-f", "/nonexistent/hc.yaml"},
      {"plan", "-f", "/"},
      {"validate", "-f", "/nonexistent/hc.yaml"},
      {"update", "-f", "-", "--reboot-timeout", "-1"},
  };
  for (const auto& arguments : cases) {
    ClientFixture client;
    CHECK(RunCommandLine(arguments, client.session) == 1);
    CHECK_FALSE(client.err.str().empty());
    CHECK(client.out.str().empty());
  }
}

TEST_CASE("a document that cannot be one is named") {
  ClientFixture client;
  SECTION("a directory") {
    CHECK(client.Run({"plan", "-f", client.folder.path()}) == 1);
    CHECK_THAT(client.err.str(),
               Catch::Matchers::Contains(client.folder.path() + ": it is a directory"));
  }
  SECTION("a missing file") {
    CHECK(client.Run({"update", "-f", client.folder / "none.yaml"}) == 1);
    CHECK_THAT(client.err.str(), Catch::Matchers::Contains("none.yaml: No such file"));
  }
  SECTION("a file over the limit") {
    WriteFile(client.folder / "large.yaml", std::string(kDocumentLimit + 1, '#'));
    CHECK(client.Run({"validate", "-f", client.folder / "large.yaml"}) == 1);
    CHECK_THAT(client.err.str(), Catch::Matchers::Contains("large.yaml is larger than"));
  }
}

TEST_CASE("help tells the exit codes and needs no agent") {
  const std::vector<std::string> cases[] = {{"--help"}, {"update", "--help"}, {"finalize", "-h"}};
  for (const auto& arguments : cases) {
    ClientFixture client;
    CHECK(RunCommandLine(arguments, client.session) == 0);
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("rolled back"));
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("130"));
  }
}

TEST_CASE("without an agent what needs one says so, the rest works") {
  ClientFixture client;
  WriteFile(client.folder / "hc.yaml", "storage: {}\n");
  SECTION("calls") {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"jobs"},
          {"get"},
          {"status"},
          {"status", "--follow"},
          {"cancel"},
          {"finalize"},
          {"plan", "-f", client.folder / "hc.yaml"},
          {"update", "-f", client.folder / "hc.yaml"}}) {
      client.err.str("");
      CHECK(client.Run(arguments) == 4);
      CHECK_THAT(client.err.str(), Catch::Matchers::Contains("agent.sock"));
      CHECK_THAT(client.err.str(), Catch::Matchers::Contains("remedy:"));
    }
  }
  SECTION("version") {
    CHECK(client.Run({"version"}) == 0);
    CHECK_THAT(client.out.str(), Catch::Matchers::StartsWith("tridentctl "));
    CHECK_THAT(client.err.str(), Catch::Matchers::Contains("no agent answers"));
  }
  SECTION("schema") {
    CHECK(client.Run({"schema"}) == 0);
    CHECK(client.out.str().front() == '{');
  }
  SECTION("validate") {
    client.in.str("colour: red\n");
    CHECK(client.Run({"validate", "-f", "-"}) == 2);
    CHECK_THAT(client.err.str(), Catch::Matchers::StartsWith("<stdin>:1:1: "));
  }
  SECTION("validate for programs") {
    client.in.str("colour: red\n");
    CHECK(client.Run({"validate", "-f", "-", "-o", "json"}) == 2);
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("\"valid\":false"));
  }
}

TEST_CASE("answers are shown in every format") {
  ClientFixture client;
  WriteFile(client.folder / "hc.yaml", "storage: {}\n");
  *client.agent.jobs.add_jobs() = JobMessage(pb::JOB_STATE_ROLLED_BACK, 1).job();
  client.agent.jobs.mutable_jobs(0)->set_reason("volume-a booted");
  *client.agent.job.mutable_job() = JobMessage(pb::JOB_STATE_CANCELLED, 1).job();
  client.agent.plan.set_servicing_kind("ab-update");
  client.agent.plan.set_bytes_to_write(1 << 20);
  client.agent.plan.set_digest("p1");
  client.agent.plan.add_steps()->set_description("write the image");
  client.agent.plan.add_destroyed()->set_device("/dev/vda3");
  client.agent.follows = {{.messages = {JobMessage(pb::JOB_STATE_STAGED, 0, 5)}, .status = {}}};
  client.StartAgent();
  struct Case {
    std::vector<std::string> arguments;
    const char* text;
  };
  const std::string file = client.folder / "hc.yaml";
  const Case cases[] = {
      {{"jobs"}, "job-1  rolled-back  ab-update  volume-b  -        volume-a booted\n"},
      {{"jobs", "-o", "json"}, "\"reason\":\"volume-a booted\""},
      {{"-o", "yaml", "jobs"}, "jobs:\n  - id: job-1\n"},
      {{"cancel", "job-1"}, "job job-1: cancelled (ab-update, onto volume-b)\n"},
      {{"get"}, "storage: {}\n"},
      {{"plan", "-f", file}, "to write: 1.0 MiB"},
      {{"plan", "-f", file, "-o", "yaml"}, "digest: p1\n"},
      {{"status"}, "# job job-1: staged"},
  };
  for (const Case& test : cases) {
    client.out.str("");
    INFO(test.arguments[0]);
    CHECK(client.Run(test.arguments) == 0);
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains(test.text));
  }
}

TEST_CASE("an update ends with the exit code of its outcome") {
  struct Case {
    const char* name;
    pb::HostStatusState last;
    grpc::Status status;
    int code;
    const char* out;
    const char* err;
  };
  pb::HostStatusState refused = EndMessage(pb::JOB_STATE_UNSPECIFIED, "refused", 0);
  refused.clear_job();
  pb::Finding& finding = *refused.mutable_outcome()->add_findings();
  finding.set_path("storage.colour");
  finding.set_line(2);
  finding.set_column(3);
  finding.set_reason("unknown key");
  finding.set_remedy("remove it");
  pb::HostStatusState looked = refused;
  looked.mutable_outcome()->Clear();
  looked.mutable_outcome()->set_result("ok");
  looked.mutable_outcome()->set_message("would do: ab-update");
  const Case cases[] = {
      {"succeeded", EndMessage(pb::JOB_STATE_SUCCEEDED, "succeeded", 2), {}, 0, "succeeded", ""},
      {"staged", EndMessage(pb::JOB_STATE_STAGED, "staged", 2), {}, 0, "staged", ""},
      {"only looked", looked, {}, 0, "ok: would do: ab-update", ""},
      {"failed", EndMessage(pb::JOB_STATE_FAILED, "failed", 2),
       RichStatus(grpc::DATA_LOSS, "image", "wrong hash"), 2, "failed",
       "error: wrong hash\n  remedy: do something else"},
      {"rolled back", EndMessage(pb::JOB_STATE_ROLLED_BACK, "rolled-back", 2),
       RichStatus(grpc::ABORTED, "health", "volume-a booted"), 3, "rolled-back", "volume-a booted"},
      {"refused", refused, RichStatus(grpc::INVALID_ARGUMENT, "invalid-input", "1 finding"), 2,
       "refused", "hc.yaml:2:3: storage.colour: unknown key (remove it)\nerror: 1 finding"},
  };
  for (const Case& test : cases) {
    DYNAMIC_SECTION(test.name) {
      ClientFixture client;
      WriteFile(client.folder / "hc.yaml", "storage: {}\n");
      client.agent.updates = {{.messages = {test.last}, .status = test.status}};
      client.StartAgent();
      CHECK(client.Run({"update", "-f", client.folder / "hc.yaml", "--plan-digest", "d"}) ==
            test.code);
      CHECK_THAT(client.out.str(), Catch::Matchers::Contains(test.out));
      CHECK_THAT(client.err.str(), Catch::Matchers::Contains(test.err));
      REQUIRE(client.agent.submitted.size() == 1);
      CHECK(client.agent.submitted[0].host_configuration() == "storage: {}\n");
      CHECK(client.agent.submitted[0].allowed_operations() == "update | transition");
      CHECK(client.agent.submitted[0].plan_digest() == "d");
    }
  }
}

TEST_CASE("a rebuild submits what the host was brought to, when an array can be rebuilt") {
  ClientFixture client;
  SECTION("nothing to rebuild") {
    client.StartAgent();
    CHECK(client.Run({"rebuild-raid"}) == 0);
    CHECK_THAT(client.err.str(), Catch::Matchers::Contains("no array can be rebuilt now"));
    CHECK(client.agent.submitted.empty());
  }
  SECTION("something is in the way") {
    client.agent.plan.add_warnings("/dev/vda has a partition table");
    client.StartAgent();
    CHECK(client.Run({"rebuild-raid"}) == 2);
    CHECK_THAT(client.err.str(), Catch::Matchers::Contains("/dev/vda has a partition table"));
    CHECK(client.agent.submitted.empty());
  }
  SECTION("an array that lacks a member") {
    client.agent.plan.add_steps()->set_id("restore-array/root-b");
    client.agent.updates = {
        {.messages = {EndMessage(pb::JOB_STATE_SUCCEEDED, "succeeded", 2)}, .status = {}}};
    client.StartAgent();
    CHECK(client.Run({"rebuild-raid"}) == 0);
    REQUIRE(client.agent.submitted.size() == 1);
    CHECK(client.agent.submitted[0].host_configuration() == "storage: {}\n");
  }
  SECTION("the rebuild that the host began with by itself is joined") {
    // What is planned then is what is left.
    pb::Job& job = *client.agent.jobs.add_jobs();
    job.set_id("job-1");
    job.set_state(pb::JOB_STATE_STAGING);
    client.agent.updates = {
        {.messages = {EndMessage(pb::JOB_STATE_SUCCEEDED, "succeeded", 2)}, .status = {}}};
    client.StartAgent();
    CHECK(client.Run({"rebuild-raid"}) == 0);
    REQUIRE(client.agent.submitted.size() == 1);
    CHECK(client.agent.submitted[0].plan_digest().empty());
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("succeeded"));
  }
}

TEST_CASE("--no-wait leaves when the job is taken") {
  ClientFixture client;
  client.in.str("storage: {}\n");
  client.agent.updates = {
      {.messages = {JobMessage(pb::JOB_STATE_QUEUED, 0, 1)}, .status = {}, .hold = true}};
  client.StartAgent();
  CHECK(client.Run({"update", "-f", "-", "--no-wait"}) == 0);
  CHECK_THAT(client.out.str(), Catch::Matchers::Contains("job job-1"));
}

}  // namespace trident::client::test
