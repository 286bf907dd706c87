// What callers may ask of the manager, and what watchers see.
#include "agent/jobs/job_manager.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "tests/agent/jobs/job_bench.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::Follower;
using test::JobBench;

constexpr AllowedOperations kOnlyUpdate{.update = true, .transition = false};
constexpr AllowedOperations kOnlyTransition{.update = false, .transition = true};

TEST_CASE("What changes by itself is in the status and told to watchers, without a job") {
  JobBench bench;
  bench.Start();
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  const auto subscription = bench.jobs->Subscribe(std::nullopt, "", [&] {
    const std::lock_guard lock(mutex);
    woken = true;
    changed.notify_all();
  });
  REQUIRE_OK(subscription);
  REQUIRE_FALSE((*subscription)->Next()->has_value());
  bench.servicer.set_root_device("/dev/another");
  {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return woken; }));
  }
  const std::optional<Event> event = *(*subscription)->Next();
  REQUIRE(event.has_value());
  REQUIRE(event->log.has_value());
  CHECK(event->log->level == "warn");
  CHECK(event->log->message == "the root device is another one");
  CHECK(event->sequence > 0);
  CHECK_FALSE(event->job.has_value());
  CHECK_THAT(bench.jobs->Now().status_yaml, Catch::Contains("rootDevicePath: /dev/another"));
}

TEST_CASE("Allowed operations decide how far a job goes") {
  struct Case {
    const char* name;
    AllowedOperations caller;
    AllowedOperations agent;
    std::optional<JobState> end;  // no value: no job
  };
  const Case cases[] = {
      {"both: all the way", AllowedOperations::All(), AllowedOperations::All(),
       JobState::kSucceeded},
      {"update: stops at staged", kOnlyUpdate, AllowedOperations::All(), JobState::kStaged},
      {"none: only looks", AllowedOperations::None(), AllowedOperations::All(), std::nullopt},
      {"transition with nothing staged: only looks", kOnlyTransition, AllowedOperations::All(),
       std::nullopt},
      {"the agent allows less", AllowedOperations::All(), kOnlyUpdate, JobState::kStaged},
      {"the agent allows nothing", AllowedOperations::All(), AllowedOperations::None(),
       std::nullopt},
      {"the agent allows something else", kOnlyUpdate, kOnlyTransition, std::nullopt},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      JobBench bench;
      bench.servicer.set_plan(test::LivePlan());
      bench.options.allowed_operations = c.agent;
      bench.Start();
      const auto submitted = bench.TrySubmit(1, c.caller);
      REQUIRE_OK(submitted);
      CHECK(submitted->job_id.has_value() == c.end.has_value());
      if (!c.end.has_value()) {
        CHECK(submitted->plan.kind == ServicingKind::kNormalUpdate);
        CHECK(bench.jobs->List(0)->empty());
        return;
      }
      Follower(*bench.jobs, submitted->after_sequence).UntilState(*c.end);
      CHECK(bench.jobs->Now().job->state == *c.end);
    }
  }
}

TEST_CASE("A staged job waits for its transition") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.Start();
  const std::string id = bench.Submit(1, kOnlyUpdate);
  Follower(*bench.jobs, 0).UntilState(JobState::kStaged);
  SECTION("another configuration is refused and told why") {
    REQUIRE_ERROR(bench.TrySubmit(2, AllowedOperations::All()),
                  absl::StatusCode::kFailedPrecondition, absl::StrCat("Job ", id, " is staged"));
    REQUIRE_OK(bench.TrySubmit(2, AllowedOperations::None()));
    const auto other = bench.TrySubmit(2, kOnlyTransition);
    REQUIRE_OK(other);
    CHECK_FALSE(other->job_id.has_value());
    CHECK(bench.jobs->Now().job->state == JobState::kStaged);
  }
  SECTION("transition alone goes on with it") {
    const auto submitted = bench.TrySubmit(1, kOnlyTransition);
    REQUIRE_OK(submitted);
    CHECK(submitted->rejoined);
    CHECK(submitted->job_id == id);
    Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
  }
  SECTION("the same configuration with both goes on with it") {
    REQUIRE_OK(bench.TrySubmit(1, AllowedOperations::All()));
    Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
  }
  SECTION("the operator finalizes it") {
    REQUIRE_OK(bench.jobs->Finalize(id));
    Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
  }
  SECTION("after a restart as before") {
    bench.Restart();
    CHECK(bench.jobs->Now().job->state == JobState::kStaged);
    REQUIRE_OK(bench.jobs->Finalize(""));
    Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
  }
  SECTION("the agent's configuration may forbid it") {
    bench.options.allowed_operations = kOnlyUpdate;
    bench.Restart();
    REQUIRE_ERROR(bench.jobs->Finalize(id), absl::StatusCode::kFailedPrecondition, "not allow");
  }
}

TEST_CASE("The same configuration rejoins its job and never narrows it") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.servicer.BlockAt("prepare");
  bench.Start();
  const std::string id = bench.Submit(1, kOnlyUpdate);
  bench.servicer.WaitForCall("prepare");
  const auto wider = bench.TrySubmit(1, AllowedOperations::All());
  REQUIRE_OK(wider);
  CHECK(wider->rejoined);
  CHECK(wider->job_id == id);
  CHECK(wider->after_sequence > 0);
  CHECK(*bench.jobs->OperationsOf(id) == AllowedOperations::All());
  REQUIRE_OK(bench.TrySubmit(1, kOnlyUpdate));
  CHECK(*bench.jobs->OperationsOf(id) == AllowedOperations::All());
  REQUIRE_ERROR(bench.TrySubmit(2, AllowedOperations::All()), absl::StatusCode::kFailedPrecondition,
                id);
  bench.servicer.Heal();
  bench.Restart();
  CHECK(bench.RunToEnd(id).state == JobState::kSucceeded);
  CHECK(bench.Submit(1) != id);
}

TEST_CASE("A job can be cancelled until it is being finalized") {
  struct Case {
    const char* name;
    std::string at;
    bool cancellable;
  };
  const Case cases[] = {
      {"while planning", "plan", true},
      {"while staging", "prepare", true},
      {"while finalizing", "apply", false},
      {"while verifying", "health", false},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      JobBench bench;
      bench.servicer.set_plan(test::LivePlan());
      bench.servicer.BlockAt(c.at);
      bench.Start();
      const std::string id = bench.Submit();
      bench.servicer.WaitForCall(c.at);
      const auto cancelled = bench.jobs->Cancel(id);
      if (!c.cancellable) {
        REQUIRE_ERROR(cancelled, absl::StatusCode::kFailedPrecondition, id);
        return;
      }
      REQUIRE_OK(cancelled);
      CHECK(cancelled->state == JobState::kCancelled);
      REQUIRE_ERROR(bench.jobs->Cancel(id), absl::StatusCode::kFailedPrecondition, "cancelled");
      bench.servicer.Heal();
      CHECK(bench.RunToEnd(bench.Submit(2)).state == JobState::kSucceeded);
      const auto calls = bench.servicer.calls();
      CHECK((std::count(calls.begin(), calls.end(), "cleanup") == 1) == (c.at == "prepare"));
    }
  }
  SECTION("when staged") {
    JobBench bench;
    bench.servicer.set_plan(test::LivePlan());
    bench.Start();
    bench.Submit(1, kOnlyUpdate);
    Follower(*bench.jobs, 0).UntilState(JobState::kStaged);
    bench.Restart();
    REQUIRE_OK(bench.jobs->Cancel(""));
    bench.servicer.WaitForCall("cleanup");
    REQUIRE_ERROR(bench.jobs->Cancel(""), absl::StatusCode::kNotFound, "No job");
    REQUIRE_ERROR(bench.jobs->Cancel("x"), absl::StatusCode::kNotFound, "no job x");
  }
}

TEST_CASE("The operator can take back a job that is being verified") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.servicer.BlockAt("health");
  bench.Start();
  const std::string id = bench.Submit();
  bench.servicer.WaitForCall("health");
  REQUIRE_OK(bench.jobs->Commit(id));
  REQUIRE_OK(bench.jobs->RollBack(id));
  Follower(*bench.jobs, 0).UntilState(JobState::kRolledBack);
  CHECK_THAT(bench.jobs->Find(id)->reason, Catch::Matchers::Contains("operator"));
  REQUIRE_ERROR(bench.jobs->RollBack(id), absl::StatusCode::kFailedPrecondition, "at its end");
  REQUIRE_ERROR(bench.jobs->Commit(""), absl::StatusCode::kNotFound, "No job");
}

TEST_CASE("A step that waits for the operator goes on with the commit of its job") {
  JobBench bench;
  bench.servicer.set_plan(test::ConfirmedPlan());
  bench.Start();
  const std::string id = bench.Submit();
  bench.servicer.WaitForCall("confirm");
  CHECK(bench.jobs->Find(id)->state == JobState::kVerifying);
  // A commit of another job is none of this one.
  REQUIRE_ERROR(bench.jobs->Commit("other"), absl::StatusCode::kNotFound, "no job other");
  CHECK(bench.jobs->Find(id)->state == JobState::kVerifying);
  REQUIRE_OK(bench.jobs->Commit(id));
  Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
}

TEST_CASE("A commit counts only in the process that was told, and can be told again") {
  JobBench bench;
  bench.servicer.set_plan(test::ConfirmedPlan());
  bench.Start();
  const std::string id = bench.Submit();
  bench.servicer.WaitForCall("confirm");
  bench.Restart();
  bench.servicer.WaitForCall("confirm", 2);
  CHECK(bench.jobs->Find(id)->state == JobState::kVerifying);
  REQUIRE_OK(bench.jobs->Commit(""));
  Follower(*bench.jobs, 0).UntilState(JobState::kSucceeded);
}

TEST_CASE("The worker's silence grows only while it works") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.servicer.BlockAt("apply");
  bench.Start();
  CHECK(bench.jobs->WorkerSilence() == std::chrono::nanoseconds(0));
  const std::string id = bench.Submit();
  bench.servicer.WaitForCall("apply");
  // The bench's clock moves a second with each look at it.
  const auto first = bench.jobs->WorkerSilence();
  const auto second = bench.jobs->WorkerSilence();
  CHECK(first > std::chrono::nanoseconds(0));
  CHECK(second > first);
  REQUIRE_OK(bench.jobs->RollBack(id));
  Follower(*bench.jobs, 0).UntilState(JobState::kRolledBack);
  for (int i = 0; i < 3000 && bench.jobs->WorkerSilence().count() != 0; ++i) {
    Cancellation().WaitFor(std::chrono::milliseconds(10));
  }
  CHECK(bench.jobs->WorkerSilence() == std::chrono::nanoseconds(0));
}

TEST_CASE("A configuration that rolled back is not tried again unless forced") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.servicer.FailAt("health", absl::InternalError("sick"));
  bench.Start();
  const std::string id = bench.Submit();
  REQUIRE(bench.RunToEnd(id).state == JobState::kRolledBack);
  const auto refused = bench.TrySubmit(1, AllowedOperations::All());
  REQUIRE_ERROR(refused, absl::StatusCode::kFailedPrecondition, id);
  const ErrorDetail detail = GetErrorDetail(refused.status());
  CHECK(detail.kind == "precondition");
  CHECK(detail.subkind == "rolled-back-before");
  CHECK_THAT(detail.remedy, Catch::Matchers::Contains("--force"));
  // Another may be tried, and this one be looked at.
  REQUIRE_OK(bench.TrySubmit(1, AllowedOperations::None()));
  bench.servicer.Heal();
  CHECK(bench.RunToEnd(bench.Submit(2)).state == JobState::kSucceeded);
  CHECK_FALSE(bench.TrySubmit(1, AllowedOperations::All()).ok());
  bench.Restart();
  CHECK_FALSE(bench.TrySubmit(1, AllowedOperations::All()).ok());
  CHECK(bench.RunToEnd(bench.Submit(1, AllowedOperations::All(), true)).state ==
        JobState::kSucceeded);
  // It has succeeded since.
  CHECK(bench.RunToEnd(bench.Submit(1)).state == JobState::kSucceeded);
}

TEST_CASE("A plan that is named must still be the plan") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.Start();
  REQUIRE_ERROR(bench.TrySubmit(1, AllowedOperations::All(), false, "other"),
                absl::StatusCode::kFailedPrecondition, "plan");
  REQUIRE_ERROR(bench.TrySubmit(1, AllowedOperations::None(), false, "other"),
                absl::StatusCode::kFailedPrecondition, "plan");
  CHECK(bench.jobs->List(0)->empty());
  const auto same = bench.TrySubmit(1, AllowedOperations::All(), false, test::LivePlan().digest);
  REQUIRE_OK(same);
  CHECK(bench.RunToEnd(*same->job_id).state == JobState::kSucceeded);
}

TEST_CASE("Every watcher sees every event once, whenever it comes") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.Start();
  const std::string id = bench.Submit();
  bench.RunToEnd(id);
  const auto all = bench.Journal();
  REQUIRE(all.size() > 15);
  for (uint64_t after = 0; after <= all.size(); ++after) {
    Follower follower(*bench.jobs, after);
    const auto events = follower.Drain();
    REQUIRE(events.size() == all.size() - after);
    for (const Event& event : events) REQUIRE(event.sequence > after);
  }
  // From memory the same as from the store.
  const std::string chain = bench.Chain();
  bench.Restart();
  CHECK(bench.Chain() == chain);
  CHECK(bench.Journal().size() == all.size());
  CHECK(bench.jobs->Now().newest_sequence == all.size());
  CHECK(bench.jobs->Now().journal_id == bench.store->journal_id());
}

TEST_CASE("A place that the journal cannot serve is out of range") {
  JobBench bench;
  bench.store_options.events_kept = 5;
  bench.servicer.set_plan(test::LivePlan());
  bench.Start();
  const auto run = [&bench](int configuration) {
    Follower follower(*bench.jobs, std::nullopt);
    bench.Submit(configuration);
    follower.UntilState(JobState::kSucceeded);
  };
  run(1);
  const uint64_t newest = bench.jobs->Now().newest_sequence;
  const auto subscribe = [&](std::optional<uint64_t> after, const std::string& journal) {
    return bench.jobs->Subscribe(after, journal, [] {});
  };
  REQUIRE_ERROR(subscribe(0, ""), absl::StatusCode::kOutOfRange, "does not keep");
  REQUIRE_ERROR(subscribe(newest - 6, ""), absl::StatusCode::kOutOfRange, "does not keep");
  REQUIRE_ERROR(subscribe(newest + 1, ""), absl::StatusCode::kOutOfRange, "not there yet");
  REQUIRE_ERROR(subscribe(newest, "another"), absl::StatusCode::kOutOfRange, "another");
  REQUIRE_OK(subscribe(newest - 5, bench.jobs->Now().journal_id));
  REQUIRE_OK(subscribe(std::nullopt, ""));
  // A reader so slow that the journal is pruned under it.
  bench.Restart();
  auto slow = subscribe(newest - 5, "");
  REQUIRE_OK(slow);
  run(2);
  bench.jobs->Stop();
  REQUIRE_ERROR((*slow)->Next(), absl::StatusCode::kOutOfRange, "does not keep");
}

TEST_CASE("Progress is seen by who waits, and is not kept") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  bench.servicer.BlockAt("write");
  bench.Start();
  bench.Submit();
  bench.servicer.WaitForCall("write");
  const Event event =
      Follower(*bench.jobs, 0).Until([](const Event& told) { return told.progress.has_value(); });
  CHECK(event.sequence == 0);
  CHECK(event.progress->bytes_done == 500);
  CHECK(event.step->id == "write");
  bench.servicer.Heal();
  bench.Restart();
  Follower(*bench.jobs, 0).UntilState(JobState::kStaged);
  for (const Event& kept : bench.Journal()) CHECK_FALSE(kept.progress.has_value());
}

TEST_CASE("Ten thousand idle watchers are woken once each and cost little") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.Start();
  std::atomic<int> woken{0};
  std::vector<std::unique_ptr<Subscription>> idle;
  for (int i = 0; i < 10000; ++i) {
    auto subscription = bench.jobs->Subscribe(std::nullopt, "", [&woken] { ++woken; });
    REQUIRE_OK(subscription);
    idle.push_back(*std::move(subscription));
  }
  bench.RunToEnd(bench.Submit());
  bench.jobs->Stop();
  // They did not read, so that they were not woken again.
  CHECK(woken == 10000);
  idle.clear();
}

TEST_CASE("The reboot waits for those who have not read everything, but not forever") {
  JobBench bench;
  bench.servicer.set_plan(test::UpdatePlan());
  SECTION("until they have") {
    bench.options.drain_limit = std::chrono::minutes(10);
    bench.Start();
    Follower follower(*bench.jobs, std::nullopt);
    bench.Submit();
    follower.UntilState(JobState::kRebooting);
    const auto calls = bench.servicer.calls();
    CHECK(std::count(calls.begin(), calls.end(), "leave") == 0);
    CHECK(follower.Drain().empty());
    bench.servicer.WaitForCall("leave");
  }
  SECTION("until the limit") {
    bench.options.drain_limit = std::chrono::milliseconds(30);
    bench.Start();
    auto lazy = bench.jobs->Subscribe(0, "", [] {});
    REQUIRE_OK(lazy);
    bench.Submit();
    bench.servicer.WaitForCall("leave");
  }
}

TEST_CASE("Watchers and callers from many threads do not disturb the job") {
  JobBench bench;
  bench.servicer.set_plan(test::LivePlan());
  bench.Start();
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        const auto subscription = bench.jobs->Subscribe(std::nullopt, "", [] {});
        if (subscription.ok()) {
          while (true) {
            const auto next = (*subscription)->Next();
            if (!next.ok() || !next->has_value()) break;
          }
        }
        bench.jobs->Now();
        [[maybe_unused]] const auto listed = bench.jobs->List(3);
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    CHECK(bench.RunToEnd(bench.Submit(i)).state == JobState::kSucceeded);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("The copy of the store that goes to the new disk carries the job on") {
  JobBench bench;
  bench.servicer.set_plan(test::InstallPlan());
  bench.Start();
  const std::string id = bench.Submit();
  Follower(*bench.jobs, 0).UntilState(JobState::kRebooting);
  bench.servicer.WaitForCall("leave");
  const std::string journal = bench.store->journal_id();
  const uint64_t newest = bench.jobs->Now().newest_sequence;
  REQUIRE_OK(bench.store->BackupTo(bench.folder / "disk/store"));
  JobBench installed;
  REQUIRE_OK(bench.store->BackupTo(installed.folder / "store"));
  bench.Stop();
  installed.clock.Reboot();
  installed.servicer.set_plan(test::InstallPlan());
  installed.Start();
  Follower(*installed.jobs, newest).UntilState(JobState::kSucceeded);
  CHECK(installed.jobs->Find(id)->state == JobState::kSucceeded);
  CHECK(installed.jobs->Now().journal_id == journal);
  CHECK(installed.Journal().size() > newest);
}

}  // namespace
}  // namespace trident
