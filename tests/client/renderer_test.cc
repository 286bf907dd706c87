#include "client/renderer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/format.h"
#include "tests/client/client_fixture.h"

namespace trident::client::test {
namespace {

pb::HostStatusState StepMessage(pb::StepState::State state, uint64_t boottime_seconds) {
  pb::HostStatusState message = JobMessage(pb::JOB_STATE_STAGING, 1);
  pb::StepState& step = *message.mutable_step();
  step.set_id("write-image/root-b");
  step.set_description("write the image of root-b");
  step.set_index(3);
  step.set_count(12);
  step.set_state(state);
  message.set_boot_id("boot-1");
  message.set_boottime_ns(boottime_seconds * 1'000'000'000);
  return message;
}

pb::HostStatusState ProgressMessage(uint64_t done, uint64_t total) {
  pb::HostStatusState message = JobMessage(pb::JOB_STATE_STAGING, 0);
  message.mutable_progress()->set_bytes_done(done);
  message.mutable_progress()->set_bytes_total(total);
  message.mutable_progress()->set_rate(74 << 20);
  message.mutable_progress()->set_seconds_left(5);
  return message;
}

}  // namespace

TEST_CASE("sizes, times and durations are told for people") {
  const std::pair<double, const char*> sizes[] = {
      {0, "0 B"},           {1023, "1023 B"}, {1024, "1.0 KiB"},
      {1536, "1.5 KiB"},    {-5, "0 B"},      {1 << 20, "1.0 MiB"},
      {1048575, "1.0 MiB"}, {5e9, "4.7 GiB"}, {327155712, "312.0 MiB"}};
  for (const auto& [bytes, text] : sizes) CHECK(FormatBytes(bytes) == text);
  const std::pair<double, const char*> durations[] = {
      {0.04, "0.0 s"}, {4.2, "4.2 s"},    {59.4, "59 s"}, {59.6, "1:00"},
      {65, "1:05"},    {3725, "1:02:05"}, {-1, "0.0 s"}};
  for (const auto& [seconds, text] : durations) CHECK(FormatDuration(seconds) == text);
  google::protobuf::Timestamp time;
  CHECK(FormatTime(time) == "-");
  time.set_seconds(1'700'000'000);
  CHECK(FormatTime(time) == "2023-11-14 22:13:20Z");
}

TEST_CASE("states have their names, unknown ones a number") {
  CHECK(StateName(pb::JOB_STATE_ROLLED_BACK) == "rolled-back");
  CHECK(StateName(pb::JOB_STATE_STAGING) == "staging");
  CHECK(StateName(static_cast<pb::JobState>(77)) == "state-77");
}

TEST_CASE("nothing that is shown can steer the terminal") {
  CHECK(Printable("a\x1b[2Jb\x07\n\nc\n") == "a?[2Jb?  c");
}

TEST_CASE("without a terminal there is one plain line per step") {
  ClientFixture client;
  auto now = std::chrono::steady_clock::time_point{};
  const auto renderer = MakeRenderer(client.session, [&] { return now; });
  renderer->Show(StepMessage(pb::StepState::STATE_STARTED, 100));
  renderer->Show(ProgressMessage(10 << 20, 100 << 20));
  now += std::chrono::seconds(11);
  renderer->Show(ProgressMessage(50 << 20, 100 << 20));
  renderer->Show(ProgressMessage(60 << 20, 100 << 20));
  renderer->Show(ProgressMessage(100 << 20, 100 << 20));
  renderer->Show(StepMessage(pb::StepState::STATE_DONE, 112));
  renderer->Note("the host reboots");
  pb::Outcome outcome;
  outcome.set_result("succeeded");
  outcome.set_message("committed");
  renderer->End(outcome);
  CHECK(client.out.str() ==
        "job job-1\n"
        "  ab-update, onto volume-b\n"
        "staging\n"
        "[ 3/12] write the image of root-b  50%  50.0 MiB of 100.0 MiB  74.0 MiB/s  5.0 s left\n"
        "[ 3/12] write the image of root-b  done  100.0 MiB  12 s\n"
        "the host reboots\n"
        "succeeded: committed\n");
}

TEST_CASE("on a terminal the running step is one line that fits and is drawn over") {
  for (const size_t width : {200u, 80u, 60u, 20u, 1u}) {
    ClientFixture client;
    client.session.terminal.live = true;
    client.session.terminal.width = [width] { return width; };
    {
      const auto renderer = MakeRenderer(client.session);
      renderer->Show(StepMessage(pb::StepState::STATE_STARTED, 100));
      client.out.str("");
      renderer->Show(ProgressMessage(50 << 20, 100 << 20));
      const std::string drawn = client.out.str();
      INFO(width << ": " << drawn);
      REQUIRE(drawn.rfind("\r\x1b[K", 0) == 0);
      CHECK(drawn.find('\n') == std::string::npos);
      CHECK(drawn.size() - 4 < std::max<size_t>(width, 2));
      if (width == 200) {
        CHECK_THAT(drawn, Catch::Matchers::Contains("[##########----------]  50%"));
      }
      if (width == 80) CHECK_THAT(drawn, Catch::Matchers::Contains("5.0 s left"));
      client.out.str("");
      renderer->Show(StepMessage(pb::StepState::STATE_FAILED, 101));
      CHECK_THAT(client.out.str(), Catch::Matchers::Contains("FAILED"));
      CHECK(client.out.str().back() == '\n');
      renderer->Show(StepMessage(pb::StepState::STATE_STARTED, 102));
      client.out.str("");
    }
    CHECK(client.out.str() == "\r\x1b[K");  // nothing half drawn is left behind
  }
}

TEST_CASE("colours only where they are wanted") {
  for (const bool colour : {true, false}) {
    ClientFixture client;
    client.session.terminal.live = true;
    client.session.terminal.colour = colour;
    const auto renderer = MakeRenderer(client.session);
    renderer->Show(StepMessage(pb::StepState::STATE_DONE, 1));
    CHECK((client.out.str().find("\x1b[32m") != std::string::npos) == colour);
  }
}

TEST_CASE("log records and gaps are shown") {
  ClientFixture client;
  const auto renderer = MakeRenderer(client.session);
  pb::HostStatusState message = JobMessage(pb::JOB_STATE_STAGING, 1);
  message.mutable_log()->set_level("warn");
  message.mutable_log()->set_message("no watchdog");
  message.set_gap(true);
  renderer->Show(message);
  CHECK_THAT(client.out.str(), Catch::Matchers::Contains("  warning: no watchdog\n"));
  CHECK_THAT(client.out.str(), Catch::Matchers::Contains("left out"));
}

TEST_CASE("programs get documents or lines, people's notes go elsewhere") {
  ClientFixture client;
  SECTION("yaml") {
    client.session.format = OutputFormat::kYaml;
    const auto renderer = MakeRenderer(client.session);
    renderer->Show(JobMessage(pb::JOB_STATE_STAGING, 7));
    renderer->Note("note");
    CHECK(client.out.str() == "---\nreconcileState: ready\n");
    CHECK(client.err.str() == "note\n");
  }
  SECTION("json") {
    client.session.format = OutputFormat::kJson;
    const auto renderer = MakeRenderer(client.session);
    renderer->Show(JobMessage(pb::JOB_STATE_STAGING, 7));
    renderer->Note("note");
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("\"sequence\":\"7\""));
    CHECK_THAT(client.out.str(), Catch::Matchers::Contains("\"state\":\"JOB_STATE_STAGING\""));
    const std::string line = client.out.str();
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  }
}

TEST_CASE("messages are YAML mappings") {
  pb::PlanHostResponse plan;
  plan.set_servicing_kind("ab-update");
  plan.add_warnings("no watchdog");
  const std::string yaml = ToYaml(plan);
  CHECK_THAT(yaml, Catch::Matchers::Contains("servicingKind: ab-update\n"));
  CHECK_THAT(yaml, Catch::Matchers::Contains("reboots: false\n"));
  CHECK_THAT(yaml, Catch::Matchers::Contains("- no watchdog"));
}

TEST_CASE("every outcome and every status has its exit code") {
  const std::pair<const char*, int> results[] = {{"ok", 0},      {"succeeded", 0},   {"staged", 0},
                                                 {"failed", 2},  {"cancelled", 2},   {"refused", 2},
                                                 {"unknown", 2}, {"rolled-back", 3}, {"", 2}};
  for (const auto& [result, code] : results) CHECK(ExitCodeOfResult(result) == code);
  const std::pair<grpc::StatusCode, int> bare[] = {
      {grpc::OK, 0},           {grpc::UNAVAILABLE, 4},      {grpc::DEADLINE_EXCEEDED, 4},
      {grpc::CANCELLED, 4},    {grpc::INVALID_ARGUMENT, 2}, {grpc::RESOURCE_EXHAUSTED, 2},
      {grpc::UNIMPLEMENTED, 2}};
  for (const auto& [code, exit_code] : bare) CHECK(ExitCodeOf({code, "words"}) == exit_code);
  CHECK(ExitCodeOf(RichStatus(grpc::ABORTED, "health", "fell back")) == 3);
  CHECK(ExitCodeOf(RichStatus(grpc::CANCELLED, "cancelled", "by the operator")) == 2);
  CHECK(ExitCodeOf(RichStatus(grpc::FAILED_PRECONDITION, "precondition", "busy")) == 2);
  CHECK_FALSE(IsConnectionLoss(RichStatus(grpc::CANCELLED, "cancelled", "by the operator")));
  CHECK(IsConnectionLoss({grpc::UNAVAILABLE, "socket closed"}));
}

TEST_CASE("findings point into the file") {
  std::ostringstream err;
  PrintFindings(err, "hc.yaml",
                std::vector<Finding>{{"storage.disks[0].size", 3, 5, "is no size", "write 1G"},
                                     {"", 0, 0, "is empty", ""}});
  CHECK(err.str() ==
        "hc.yaml:3:5: storage.disks[0].size: is no size (write 1G)\n"
        "hc.yaml: is empty\n");
}

}  // namespace trident::client::test
