#include "agent/daemon_client.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <memory>
#include <sstream>
#include <string>

#include "agent/api/server.h"
#include "tests/agent/jobs/fake/fake_job_manager.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {
namespace {

// What is logged while it lives.
class CapturedLog {
 public:
  CapturedLog() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "captured", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~CapturedLog() { spdlog::set_default_logger(before_); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  size_t Count(const std::string& words) const {
    const std::string text = text_.str();
    size_t count = 0;
    for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
      ++count;
    }
    return count;
  }

 private:
  std::ostringstream text_;
  const std::shared_ptr<spdlog::logger> before_;
};

JobSummary JobIn(JobState state) {
  JobSummary job;
  job.id = "job-1";
  job.state = state;
  return job;
}

TEST_CASE("a step is logged when it begins, not whenever there is something of it") {
  FakeJobManager jobs;
  jobs.plan->kind = ServicingKind::kCleanInstall;
  jobs.plan->warnings = {"the hash is ignored"};
  jobs.submit = Submitted{};
  jobs.submit->job_id = "job-1";
  const Event begun = StepOf(JobIn(JobState::kStaging), StepEvent::State::kStarted);
  jobs.Append(begun);
  for (const uint64_t bytes : {1, 2, 3}) {
    Event progress = begun;
    progress.progress = ProgressEvent{.bytes_done = bytes, .bytes_total = 3};
    jobs.Append(progress);
  }
  Event said = begun;
  said.log = LogEvent{.level = "info", .message = "half of it is done"};
  jobs.Append(said);
  jobs.Append(StepOf(JobIn(JobState::kStaging), StepEvent::State::kDone));
  jobs.Append(TransitionOf(JobIn(JobState::kSucceeded)));

  const TemporaryDirectory folder;
  ServerOptions options;
  options.socket_path = folder / "api.sock";
  const auto server = StartServer(jobs, options);
  REQUIRE_OK(server);
  const auto daemon = ConnectToDaemon(options.socket_path);
  REQUIRE_OK(daemon);
  const CapturedLog log;
  REQUIRE_OK((*daemon)->Run("{}"));
  CHECK((*daemon)->job_seen());
  CHECK(log.Count("step 3/12: write the image of root") == 1);
  CHECK(log.Count("half of it is done") == 1);
  CHECK(log.Count("[warning] the hash is ignored") == 1);
  CHECK(log.Count("succeeded") == 1);
}

}  // namespace
}  // namespace trident::test
