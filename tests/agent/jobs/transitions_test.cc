#include "agent/jobs/transitions.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/agent/jobs/job_bench.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

Job JobIn(JobState state, Plan plan) {
  Job job;
  job.id = "j";
  job.state = state;
  job.plan = std::move(plan);
  return job;
}

TEST_CASE("Every state has a name that leads back to it") {
  for (int value = 0; value <= static_cast<int>(JobState::kRolledBack); ++value) {
    const auto state = static_cast<JobState>(value);
    CHECK_FALSE(JobStateName(state).empty());
    CHECK(JobStateFromName(JobStateName(state)) == state);
  }
  CHECK_FALSE(JobStateFromName("dreaming").has_value());
}

TEST_CASE("From every state that is not final a job can reach a final one, and from those none") {
  for (int value = 0; value <= static_cast<int>(JobState::kRolledBack); ++value) {
    const auto state = static_cast<JobState>(value);
    const auto leads_on = [state](const TransitionRule& rule) { return rule.from == state; };
    const bool any = std::any_of(TransitionRules().begin(), TransitionRules().end(), leads_on);
    INFO(std::string(JobStateName(state)));
    CHECK(any != IsFinal(state));
  }
}

TEST_CASE("Where an event leads depends on what the job can go back to") {
  struct Case {
    const char* name;
    JobState from;
    JobEvent event;
    Plan plan;
    std::optional<JobState> to;
  };
  Plan unattended = test::InstallPlan();
  unattended.unattended_target = true;
  const Case cases[] = {
      {"a failing update goes back", JobState::kFinalizing, JobEvent::kError, test::UpdatePlan(),
       JobState::kRollingBack},
      {"a failing clean install fails", JobState::kFinalizing, JobEvent::kError,
       test::InstallPlan(), JobState::kFailed},
      {"an unhealthy update goes back", JobState::kVerifying, JobEvent::kError, test::UpdatePlan(),
       JobState::kRollingBack},
      {"an unhealthy clean install fails", JobState::kVerifying, JobEvent::kError,
       test::InstallPlan(), JobState::kFailed},
      {"a live change needs no reboot", JobState::kFinalizing, JobEvent::kApplied, test::LivePlan(),
       JobState::kVerifying},
      {"a live change does not leave", JobState::kFinalizing, JobEvent::kLeave, test::LivePlan(),
       std::nullopt},
      {"an update is not applied in place", JobState::kFinalizing, JobEvent::kApplied,
       test::UpdatePlan(), std::nullopt},
      {"a target without agent ends at the reboot", JobState::kRebooting, JobEvent::kUnattended,
       unattended, JobState::kSucceeded},
      {"any other is verified", JobState::kRebooting, JobEvent::kUnattended, test::InstallPlan(),
       std::nullopt},
      {"a staged job can be cancelled", JobState::kStaged, JobEvent::kCancel, test::UpdatePlan(),
       JobState::kCancelled},
      {"a job that is finalizing cannot", JobState::kFinalizing, JobEvent::kCancel,
       test::UpdatePlan(), std::nullopt},
      {"a clean install is not rolled back", JobState::kVerifying, JobEvent::kUndo,
       test::InstallPlan(), std::nullopt},
      {"a failed way back is a failure", JobState::kRollingBack, JobEvent::kError,
       test::UpdatePlan(), JobState::kFailed},
      {"an end is an end", JobState::kSucceeded, JobEvent::kPlan, test::UpdatePlan(), std::nullopt},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto next = NextState(JobIn(c.from, c.plan), c.event);
    if (c.to.has_value()) {
      REQUIRE_OK(next);
      CHECK(*next == *c.to);
    } else {
      REQUIRE_ERROR(next, absl::StatusCode::kInternal, "cannot take the event");
      CHECK(GetErrorDetail(next.status()).subkind == "transition");
    }
  }
}

}  // namespace
}  // namespace trident
