// What reads the journal along, and what tells the service manager.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "agent/reporting/journal_watcher.h"
#include "agent/reporting/service_status.h"
#include "agent/reporting/watchdog.h"
#include "tests/agent/jobs/fake/fake_job_manager.h"

namespace trident {
namespace {

class Recorder : public EventSink {
 public:
  void OnEvent(const Event& event) override {
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(event.sequence);
    }
    changed_.notify_all();
  }
  bool Await(const std::vector<uint64_t>& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return seen_ == wanted; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> seen_;
};

Event SomeTransition(JobState state) {
  Event event;
  event.transition = true;
  event.job = JobSummary{};
  event.job->id = "17";
  event.job->state = state;
  return event;
}

}  // namespace

TEST_CASE("every event after the given place reaches every sink, once and in order") {
  test::FakeJobManager jobs;
  jobs.Append(SomeTransition(JobState::kQueued));
  jobs.Append(SomeTransition(JobState::kPlanning));
  Recorder first;
  Recorder second;
  {
    JournalWatcher watcher(jobs, 1, {&first, &second});
    CHECK(first.Await({2}));
    jobs.Append(SomeTransition(JobState::kStaging));
    jobs.Append(SomeTransition(JobState::kStaged));
    CHECK(first.Await({2, 3, 4}));
    CHECK(second.Await({2, 3, 4}));
    jobs.Append(SomeTransition(JobState::kFinalizing));
  }
  CHECK(first.Await({2, 3, 4, 5}));
  CHECK(jobs.subscriptions() == 0);
}

TEST_CASE("a range that was pruned is left out, and what comes is read") {
  test::FakeJobManager jobs;
  for (int i = 0; i < 4; ++i) jobs.Append(SomeTransition(JobState::kQueued));
  jobs.Prune(3);
  Recorder sink;
  JournalWatcher watcher(jobs, 1, {&sink});
  REQUIRE(jobs.AwaitSubscriptions(1));
  jobs.Append(SomeTransition(JobState::kStaging));
  CHECK(sink.Await({5}));
}

TEST_CASE("the service's status follows the job and its steps") {
  std::vector<std::string> told;
  ServiceStatus status([&](const std::string& line) { told.push_back(line); });
  Event event = SomeTransition(JobState::kStaging);
  event.sequence = 1;
  status.OnEvent(event);
  event.transition = false;
  event.step = StepEvent{};
  event.step->description = "mount the new root";
  event.step->index = 3;
  event.step->count = 9;
  status.OnEvent(event);
  event.log = LogEvent{"info", "said by a step"};
  status.OnEvent(event);
  event.log.reset();
  event.step->state = StepEvent::State::kDone;
  status.OnEvent(event);
  Event end = SomeTransition(JobState::kRolledBack);
  end.sequence = 2;
  status.OnEvent(end);
  CHECK(told == std::vector<std::string>{"job 17: staging",
                                         "job 17: staging, step 3/9: mount the new root",
                                         "idle; job 17 ended: rolled-back"});
}

TEST_CASE("the watchdog is fed while the worker lives, and no longer") {
  std::atomic<int64_t> silence = 0;
  std::mutex mutex;
  std::condition_variable changed;
  int pings = 0;
  int looks = 0;
  Watchdog watchdog(std::chrono::milliseconds(3), std::chrono::seconds(10),
                    {.silence =
                         [&] {
                           const std::lock_guard lock(mutex);
                           ++looks;
                           changed.notify_all();
                           return std::chrono::nanoseconds(silence.load());
                         },
                     .ping =
                         [&] {
                           const std::lock_guard lock(mutex);
                           ++pings;
                           changed.notify_all();
                         }});
  std::unique_lock lock(mutex);
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return pings >= 3; }));
  silence = std::chrono::nanoseconds(std::chrono::seconds(11)).count();
  // The look that was under way may still ping.
  const int seen = looks;
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return looks >= seen + 2; }));
  const int last = pings;
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return looks >= seen + 8; }));
  CHECK(pings == last);
  silence = 0;
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return pings > last; }));
}

}  // namespace trident
