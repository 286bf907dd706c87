// Whole lives of jobs: where they go, and that they get there whatever stops them on the way.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/document.h"
#include "common/status/host_status.h"
#include "tests/agent/jobs/job_bench.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::Follower;
using test::JobBench;

constexpr char kUpdate[] =
    "queued planning staging staged finalizing rebooting verifying succeeded";
constexpr char kLive[] = "queued planning staging staged finalizing verifying succeeded";

absl::Status Broken() {
  return MakeError(absl::StatusCode::kDataLoss, "image", "hash-mismatch", "the hash is wrong");
}

size_t Times(const JobBench& bench, const std::string& call) {
  const auto calls = bench.servicer.calls();
  return static_cast<size_t>(std::count(calls.begin(), calls.end(), call));
}

TEST_CASE("Jobs that nothing stops") {
  struct Case {
    const char* name;
    Plan plan;
    const char* chain;
  };
  const Case cases[] = {
      {"an update", test::UpdatePlan(), kUpdate},
      {"a clean install", test::InstallPlan(), kUpdate},
      {"a live change", test::LivePlan(), kLive},
      {"a change of the volume that runs", test::RebootPlan(), kUpdate},
      {"nothing to do", test::NoPlan(), "queued planning succeeded"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      JobBench bench;
      bench.servicer.set_plan(c.plan);
      bench.Start();
      const std::string id = bench.Submit();
      const JobSummary job = bench.RunToEnd(id);
      CHECK(job.state == JobState::kSucceeded);
      CHECK(bench.Chain() == c.chain);
      const auto recorded = bench.jobs->Configuration();
      REQUIRE_OK(recorded);
      const bool changed = c.plan.kind != ServicingKind::kNone;
      CHECK(recorded->digest == (changed ? ConfigurationDigest(test::SomeConfiguration()) : ""));
      const auto status = ParseHostStatus(bench.jobs->Now().status_yaml);
      REQUIRE_OK(status);
      CHECK(status->reconcile_state == ReconcileState::kReady);
      REQUIRE(status->last_job.has_value());
      CHECK(status->last_job->state == "succeeded");
      CHECK(Times(bench, "cleanup") == 0);
    }
  }
}

TEST_CASE("Every step is told with its beginning and its end, and nothing after the reboot") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.Start();
  const std::string id = bench.Submit();
  Follower follower(*bench.jobs, 0);
  const uint64_t rebooting = follower.UntilState(JobState::kRebooting).sequence;
  bench.servicer.WaitForCall("leave");
  const auto status = ParseHostStatus(bench.jobs->Now().status_yaml);
  REQUIRE_OK(status);
  CHECK(status->reconcile_state == ReconcileState::kUpdateInProgress);
  CHECK(status->update_kind == ServicingKind::kAbUpdate);
  CHECK(status->management.datastore_path == "written");
  bench.jobs->Stop();
  CHECK(bench.Journal().size() == rebooting);
  std::string told;
  for (const Event& event : bench.Journal()) {
    if (event.log.has_value()) absl::StrAppend(&told, "(", event.log->message, ") ");
    if (!event.step.has_value() || event.log.has_value()) continue;
    const char* state = event.step->state == StepEvent::State::kStarted ? "+" : "-";
    absl::StrAppend(&told, state, event.step->id, " ");
  }
  CHECK(told ==
        "+write (half way) -write +mount -mount +manage -manage +unmount -unmount +firmware "
        "-firmware +leave ");
}

TEST_CASE("A job goes on wherever its process or its machine is stopped") {
  struct Case {
    const char* name;
    Plan plan;
    std::string stopped_at;
    bool power_cut;
    const char* chain;
  };
  constexpr char kResumed[] =
      "queued planning staging staging staged finalizing rebooting verifying succeeded";
  constexpr char kLiveResumed[] =
      "queued planning staging staging staged finalizing verifying succeeded";
  std::vector<Case> cases;
  for (const bool cut : {false, true}) {
    for (const Plan& plan : {test::UpdatePlan(), test::InstallPlan()}) {
      cases.push_back({"while planning", plan, "plan", cut, kUpdate});
      for (const char* step : {"write", "mount", "manage", "unmount"}) {
        cases.push_back({"while staging", plan, step, cut, kResumed});
      }
      cases.push_back({"while finalizing", plan, "firmware", cut, kUpdate});
      cases.push_back({"while leaving", plan, "leave", cut, kUpdate});
      cases.push_back({"while its health is checked", plan, "health", cut, kUpdate});
      cases.push_back({"while committing", plan, "commit", cut, kUpdate});
    }
    cases.push_back({"while planning a live change", test::LivePlan(), "plan", cut, kLive});
    cases.push_back(
        {"while staging a live change", test::LivePlan(), "prepare", cut, kLiveResumed});
    cases.push_back({"while applying a live change", test::LivePlan(), "apply", cut, kLive});
    cases.push_back({"while a live change is checked", test::LivePlan(), "health", cut, kLive});
  }
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name << " (" << std::string(ServicingKindName(c.plan.kind)) << ", at "
                           << c.stopped_at << (c.power_cut ? ", power cut)" : ", killed)")) {
      JobBench bench;
      bench.servicer.set_plan(c.plan);
      bench.servicer.BlockAt(c.stopped_at);
      // A power cut while pointing the firmware leaves the old system running.
      if (c.stopped_at == "firmware") bench.servicer.set_target_booted(false);
      bench.Start();
      const std::string id = bench.Submit();
      if (c.plan.reboots && (c.stopped_at == "health" || c.stopped_at == "commit")) {
        Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
        bench.servicer.WaitForCall("leave");
        bench.Reboot();
      }
      bench.servicer.WaitForCall(c.stopped_at);
      bench.Stop();
      if (c.power_cut) bench.clock.Reboot();
      bench.servicer.Heal();
      bench.Start();
      if (c.stopped_at == "firmware") {
        Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
        bench.servicer.set_target_booted(true);
      }
      const JobSummary job = bench.RunToEnd(id);
      CHECK(job.state == JobState::kSucceeded);
      CHECK(bench.Chain() == c.chain);
      // Steps that were done are not done again, except for mounts, which a stop may undo.
      if (c.stopped_at != "write") CHECK(Times(bench, "write") == (c.plan.reboots ? 1 : 0));
      if (c.stopped_at == "manage" || c.stopped_at == "unmount") CHECK(Times(bench, "mount") == 2);
    }
  }
}

TEST_CASE("An image whose file system was being changed at a stop is written again") {
  struct Case {
    const char* stopped_at;
    const char* image_of;  // what the image was written to
    size_t writes;
  };
  const Case cases[] = {{"set-identity", "root-b", 2},
                        {"grow-filesystem", "root-b", 2},
                        // The one that is changed was there before.
                        {"grow-filesystem", "esp-b", 1}};
  for (const Case& c : cases) {
    for (const bool power_cut : {false, true}) {
      DYNAMIC_SECTION("at " << c.stopped_at << ", image of " << c.image_of
                            << (power_cut ? ", power cut" : ", killed")) {
        JobBench bench;
        Plan plan = test::UpdatePlan();
        plan.steps[0].subject = c.image_of;
        const std::pair<const char*, StepKind> changes[] = {
            {"grow-filesystem", StepKind::kGrowFilesystem},
            {"set-identity", StepKind::kSetIdentity}};
        for (const auto& [id, kind] : changes) {
          Step step;
          step.id = id;
          step.kind = kind;
          step.subject = "root-b";
          step.phase = Phase::kStage;
          plan.steps.insert(plan.steps.begin() + 1, step);
        }
        bench.servicer.set_plan(plan);
        bench.servicer.BlockAt(c.stopped_at);
        bench.Start();
        const std::string id = bench.Submit();
        bench.servicer.WaitForCall(c.stopped_at);
        bench.Stop();
        if (power_cut) bench.clock.Reboot();
        bench.servicer.Heal();
        bench.Start();
        CHECK(bench.RunToEnd(id).state == JobState::kSucceeded);
        CHECK(Times(bench, "write") == c.writes);
        CHECK(Times(bench, c.stopped_at) == 2);
      }
    }
  }
}

TEST_CASE("Power that is cut after the firmware was pointed at the target counts as the reboot") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.servicer.BlockAt("firmware");
  bench.Start();
  const std::string id = bench.Submit();
  bench.servicer.WaitForCall("firmware");
  bench.Stop();
  bench.clock.Reboot();
  bench.servicer.Heal();
  bench.Start();
  CHECK(Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded).job->id == id);
  CHECK(bench.Chain() == kUpdate);
  CHECK(Times(bench, "leave") == 0);
}

TEST_CASE("Power that is cut while the running volume is changed is no reboot into the change") {
  JobBench bench;
  bench.servicer.set_plan(test::RebootPlan());
  bench.servicer.BlockAt("apply");
  bench.Start();
  const std::string id = bench.Submit();
  bench.servicer.WaitForCall("apply");
  bench.Stop();
  bench.clock.Reboot();
  bench.servicer.Heal();
  // The volume that came up is the target, but it was not changed in full.
  bench.Start();
  const JobSummary job = bench.RunToEnd(id);
  CHECK(job.state == JobState::kSucceeded);
  CHECK(bench.Chain() == kUpdate);
  CHECK(Times(bench, "apply") == 2);
  CHECK(Times(bench, "leave") == 1);
}

TEST_CASE("What one start was to try is made anew when the power was cut before the host left") {
  size_t repeated = 0;
  for (int writes = 1; writes < 30; ++writes) {
    INFO("cut after " << writes << " writes");
    std::atomic<int> left{1000000};
    JobBench bench;
    bench.store_options.before_commit = [&left]() -> absl::Status {
      return left.fetch_sub(1) > 0 ? absl::OkStatus() : absl::UnavailableError("the power is cut");
    };
    bench.servicer.set_plan(test::RebootPlan());
    bench.Start();
    left = writes;
    const std::string id = bench.Submit();
    bool left_host = false;
    Follower(*bench.jobs, 0).Until([&left_host](const Event& event) {
      left_host = event.transition && event.job->state == JobState::kRebooting;
      const bool halted = event.sequence == 0 && event.log.has_value();
      return halted || left_host;
    });
    bench.Stop();
    const std::vector<std::string> before = bench.servicer.calls();
    left = 1000000;
    bench.clock.Reboot();
    bench.Start();
    if (left_host) {
      // The start that the power cut led to is the one that tries it.
      Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
    } else {
      CHECK(bench.RunToEnd(id).state == JobState::kSucceeded);
    }
    const std::vector<std::string> calls = bench.servicer.calls();
    const auto after = calls.begin() + static_cast<std::ptrdiff_t>(before.size());
    const auto leave = std::find(after, calls.end(), "leave");
    if (leave == calls.end()) continue;
    // This start has used up what the last one made.
    CHECK(std::count(after, leave, "try") == 1);
    repeated += static_cast<size_t>(std::count(before.begin(), before.end(), "try"));
  }
  CHECK(repeated > 0);
}

TEST_CASE("A job whose store stops taking writes stands still and goes on when it takes them") {
  for (int writes = 1; writes < 30; ++writes) {
    DYNAMIC_SECTION("after " << writes << " writes") {
      std::atomic<int> left{1000000};
      JobBench bench;
      bench.store_options.before_commit = [&left]() -> absl::Status {
        if (left.fetch_sub(1) > 0) return absl::OkStatus();
        return MakeError(absl::StatusCode::kResourceExhausted, "datastore", "full",
                         "the store is full");
      };
      bench.servicer.set_plan(test::UpdatePlan());
      bench.Start();
      left = writes;
      const std::string id = bench.Submit();
      bool left_host = false;
      const Event last = Follower(*bench.jobs, 0).Until([&](const Event& event) {
        left_host = event.transition && event.job->state == JobState::kRebooting;
        const bool halted = event.sequence == 0 && event.log.has_value();
        return halted || left_host;
      });
      if (!left_host) {
        CHECK(last.log->message.find("the store is full") != std::string::npos);
        REQUIRE(last.job->error.has_value());
        CHECK(bench.jobs->Now().job->error->message.find("stands still") != std::string::npos);
        REQUIRE_ERROR(bench.TrySubmit(1, AllowedOperations::All()),
                      absl::StatusCode::kResourceExhausted, "stands still");
        // Nothing is begun that the store does not know of.
        CHECK(Times(bench, "leave") == 0);
      }
      left = 1000000;
      bench.Restart();
      CHECK(bench.RunToEnd(id).state == JobState::kSucceeded);
    }
  }
}

TEST_CASE("Jobs that fail") {
  struct Case {
    const char* name;
    Plan plan;
    std::string fails_at;
    const char* chain;
    bool cleaned;
    bool target_booted = true;
    const char* reason = "the hash is wrong";
  };
  const Case cases[] = {
      {"in planning", test::UpdatePlan(), "plan", "queued planning failed", false},
      {"in staging", test::UpdatePlan(), "write", "queued planning staging failed", true},
      {"an update in finalizing", test::UpdatePlan(), "firmware",
       "queued planning staging staged finalizing rolling-back rolled-back", true},
      {"a clean install in finalizing", test::InstallPlan(), "firmware",
       "queued planning staging staged finalizing failed", true},
      {"a live change in finalizing", test::LivePlan(), "apply",
       "queued planning staging staged finalizing rolling-back rolled-back", true},
      {"an unhealthy live change", test::LivePlan(), "health",
       "queued planning staging staged finalizing verifying rolling-back rolled-back", true},
      {"an update that cannot leave", test::UpdatePlan(), "leave",
       "queued planning staging staged finalizing rebooting verifying rolling-back rolled-back",
       true, false, "The host is still on volume-a instead of volume-b: Leave"},
      {"a clean install that cannot leave", test::InstallPlan(), "leave",
       "queued planning staging staged finalizing rebooting verifying failed", true, false,
       "instead of volume-a: Leave"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      JobBench bench;
      bench.servicer.set_plan(c.plan);
      bench.servicer.FailAt(c.fails_at, Broken());
      bench.servicer.set_target_booted(c.target_booted);
      bench.Start();
      const std::string id = bench.Submit();
      Follower(*bench.jobs, 0).Until([](const Event& event) {
        return event.transition && IsFinal(event.job->state);
      });
      CHECK(bench.Chain() == c.chain);
      const auto job = bench.jobs->Find(id);
      REQUIRE_OK(job);
      CHECK_THAT(job->reason, Catch::Matchers::Contains(c.reason));
      CHECK(job->error.has_value());
      CHECK((Times(bench, "cleanup") > 0) == c.cleaned);
      CHECK(bench.jobs->Configuration()->digest.empty());
      // The next job may begin.
      bench.servicer.Heal();
      bench.servicer.set_plan(test::NoPlan());
      CHECK(bench.RunToEnd(bench.Submit(2)).state == JobState::kSucceeded);
    }
  }
}

TEST_CASE("What is found after the reboot decides") {
  struct Case {
    const char* name;
    Plan plan;
    bool target_booted;
    bool healthy;
    bool needs_reboot;
    JobState end;
    const char* reason;
  };
  const Case cases[] = {
      {"the target fell back", test::UpdatePlan(), false, true, false, JobState::kRolledBack,
       "The host came up on volume-a instead of volume-b"},
      {"the installed system did not start", test::InstallPlan(), false, true, false,
       JobState::kFailed, "instead of volume-a"},
      {"the target is unhealthy", test::UpdatePlan(), true, false, true, JobState::kRolledBack,
       "the hash is wrong"},
      {"the kernel did not come up with its new options", test::RebootPlan(), true, true, false,
       JobState::kRolledBack, "without the new options of the kernel"},
      {"the installed system is unhealthy", test::InstallPlan(), true, false, false,
       JobState::kFailed, "the hash is wrong"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      JobBench bench;
      bench.servicer.set_plan(c.plan);
      bench.Start();
      const std::string id = bench.Submit();
      Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
      bench.servicer.WaitForCall("leave");
      bench.servicer.set_target_booted(c.target_booted);
      bench.servicer.set_lacks_options(c.plan.kind == ServicingKind::kUpdateAndReboot);
      bench.servicer.set_needs_reboot(c.needs_reboot);
      if (!c.healthy) bench.servicer.FailAt("health", Broken());
      bench.Reboot();
      if (c.needs_reboot) {
        bench.servicer.WaitForCall("reboot");
        bench.servicer.set_target_booted(false);
        bench.servicer.set_needs_reboot(false);
        bench.Reboot();
      }
      Follower(*bench.jobs, 0).UntilState(c.end);
      const auto job = bench.jobs->Find(id);
      REQUIRE_OK(job);
      CHECK(job->state == c.end);
      CHECK_THAT(job->reason, Catch::Matchers::Contains(c.reason));
    }
  }
}

TEST_CASE("An agent that is stopped while it reboots for the way back reboots after its start") {
  JobBench bench;
  bench.servicer.set_plan(test::RebootPlan());
  bench.Start();
  const std::string id = bench.Submit();
  Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
  bench.servicer.WaitForCall("leave");
  bench.servicer.FailAt("health", Broken());
  bench.servicer.set_needs_reboot(true);
  bench.Reboot();
  bench.servicer.WaitForCall("reboot");
  bench.Stop();
  // All is undone by now, and the refused change still runs.
  bench.servicer.set_needs_reboot(false);
  bench.Start();
  bench.servicer.WaitForCall("reboot", 2);
  CHECK_FALSE(IsFinal(bench.jobs->Find(id)->state));
  // However often: it is one reboot, and not yet done.
  bench.Restart();
  bench.servicer.WaitForCall("reboot", 3);
  CHECK_FALSE(IsFinal(bench.jobs->Find(id)->state));
  bench.Reboot();
  Follower(*bench.jobs, 0).UntilState(JobState::kRolledBack);
}

TEST_CASE("A host that keeps coming up with the target is not rebooted forever") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.servicer.set_needs_reboot(true);
  bench.Start();
  const std::string id = bench.Submit();
  Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
  bench.servicer.WaitForCall("leave");
  bench.servicer.FailAt("health", Broken());
  for (int reboot = 1; reboot <= 2; ++reboot) {
    bench.Reboot();
    bench.servicer.WaitForCall("reboot", reboot);
  }
  bench.Reboot();
  Follower(*bench.jobs, 0).UntilState(JobState::kFailed);
  CHECK_THAT(bench.jobs->Find(id)->reason, Catch::Matchers::Contains("after 2 reboots"));
}

TEST_CASE("A target without an agent ends the job at the reboot and says so") {
  JobBench bench;
  Plan plan = test::InstallPlan();
  plan.unattended_target = true;
  bench.servicer.set_plan(plan);
  bench.Start();
  const std::string id = bench.Submit();
  Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
  CHECK_THAT(bench.jobs->Find(id)->reason, Catch::Matchers::Contains("not verified"));
  CHECK(bench.Chain() == "queued planning staging staged finalizing rebooting succeeded");
}

TEST_CASE("Staging fails when the new system's agent cannot read the store") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.servicer.set_target_range({5, 6});
  bench.Start();
  bench.Submit();
  const Event end = Follower(*bench.jobs, 0).UntilState(JobState::kFailed);
  CHECK(end.job->error->subkind == "store-range");
}

TEST_CASE("A newer agent boots, falls back, and the older one reports it") {
  JobBench bench;
  const std::vector<Migration> older = bench.migrations;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.servicer.set_needs_reboot(true);
  bench.Start();
  const std::string id = bench.Submit();
  Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
  bench.servicer.WaitForCall("leave");
  bench.migrations.push_back({.version = older.back().version + 1,
                              .sql = "ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT ''",
                              .additive = true});
  bench.servicer.FailAt("health", Broken());
  bench.Reboot();
  bench.servicer.WaitForCall("reboot");
  bench.Stop();
  bench.clock.Reboot();
  bench.migrations = older;
  bench.servicer.set_target_booted(false);
  bench.servicer.set_needs_reboot(false);
  bench.Start();
  CHECK(bench.store->schema_version() == older.back().version + 1);
  Follower(*bench.jobs, 0).UntilState(JobState::kRolledBack);
  CHECK(bench.jobs->Find(id)->state == JobState::kRolledBack);
}

TEST_CASE("A job in a state that only a newer agent knows is reported and left alone") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.Start();
  JobRecord record;
  record.id = "foreign";
  record.state = "dreaming";
  StoreChange change;
  change.job = record;
  REQUIRE_OK(bench.store->Apply(change));
  bench.Restart();
  REQUIRE_ERROR(bench.TrySubmit(1, AllowedOperations::All()), absl::StatusCode::kUnimplemented,
                "Job foreign is in state \"dreaming\"");
  REQUIRE_ERROR(bench.jobs->Cancel(""), absl::StatusCode::kUnimplemented, "foreign");
  CHECK(bench.jobs->List(0)->size() == 1);
  CHECK(bench.jobs->Now().job->id == "foreign");
  // Looking is still possible.
  REQUIRE_OK(bench.TrySubmit(1, AllowedOperations::None()));
}

TEST_CASE("An incompatible migration of the store runs once the new system is committed to") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.Start();
  const std::string id = bench.Submit();
  Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
  bench.servicer.WaitForCall("leave");
  const int version = bench.migrations.back().version + 1;
  bench.migrations.push_back(
      {.version = version, .sql = "CREATE TABLE fresh (id INTEGER)", .additive = false});
  bench.Reboot();
  Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
  bench.jobs->Stop();
  CHECK(bench.store->schema_version() == version);
}

}  // namespace
}  // namespace trident
