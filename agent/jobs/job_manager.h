// Runs jobs: at most one is active. The only writer of the store.
#ifndef TRIDENT_AGENT_JOBS_JOB_MANAGER_H_
#define TRIDENT_AGENT_JOBS_JOB_MANAGER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/jobs/event.h"
#include "agent/jobs/job.h"
#include "agent/servicing/servicer.h"
#include "common/config/allowed_operations.h"
#include "common/config/host_configuration.h"

namespace trident {

class Clock;
class Datastore;

struct Submission {
  HostConfiguration configuration;
  AllowedOperations operations;  // of the caller; the agent's are intersected here
  std::string plan_digest;       // empty: any plan
  bool force = false;
};

struct Submitted {
  // The job that carries the configuration, new or rejoined. No value: only looking was allowed,
  // nothing was begun, `plan` says what would be done.
  std::optional<std::string> job_id;
  bool rejoined = false;
  // Events of the job have a greater sequence than this (for a rejoined job: those since the call).
  uint64_t after_sequence = 0;
  Plan plan;  // only when there is no job
};

// The agent's state for one message of a stream.
struct Snapshot {
  std::string status_yaml;
  std::string journal_id;
  uint64_t newest_sequence = 0;
  std::optional<JobSummary> job;  // the active job, else the newest one
};

// One watcher's place in the journal. Memory does not grow with the distance to the newest event:
// it reads the journal when it is asked. Not thread safe by itself. Call Next once after
// subscribing; `wake` comes, once, when something is there after Next had nothing. It may come from
// any thread, also during the call that subscribes or during Next, and may call Next itself.
class Subscription {
 public:
  // After it `wake` is not called any more. It waits for a call that is under way in another
  // thread, so do not hold a lock here that `wake` takes.
  virtual ~Subscription() = default;
  // The next event after this watcher's place; progress only when nothing durable is waiting, and
  // only the latest. Nothing new: nullopt. OUT_OF_RANGE: the range was pruned meanwhile.
  virtual absl::StatusOr<std::optional<Event>> Next() = 0;
};

struct JobManagerOptions {
  AllowedOperations allowed_operations = AllowedOperations::All();  // of the agent configuration
  // How long the reboot waits for watchers that have not yet read everything.
  std::chrono::milliseconds drain_limit = std::chrono::seconds(2);
  // How often the host is looked at while no job works on it (Servicer::Watch).
  std::chrono::milliseconds watch_interval = std::chrono::seconds(5);
};

// Thread safe.
class JobManager {
 public:
  virtual ~JobManager() = default;

  // Picks up the active job, if any, where the store says that it is. Call once.
  virtual absl::Status Start() = 0;
  // Stops between or within steps (a running step is cancelled); the job stays as it is in the
  // store and goes on after the next Start. Waits until the worker has ended.
  virtual void Stop() = 0;

  // design.md, "What the words mean exactly". FAILED_PRECONDITION: another configuration's job is
  // active (named), it was rolled back before and force is not set, or the plan's digest differs.
  virtual absl::StatusOr<Submitted> Submit(const Submission& submission) = 0;
  // Planning without effects.
  virtual absl::StatusOr<Plan> PlanOnly(const HostConfiguration& configuration, bool force) = 0;

  // The operator's levers; empty id: the active job. NOT_FOUND: no such job. FAILED_PRECONDITION:
  // the job's state does not allow it (the message names the state and what would).
  virtual absl::StatusOr<JobSummary> Finalize(const std::string& job_id) = 0;
  // Accepts the change for a step that waits for it; of an update the checks decide, also then.
  virtual absl::StatusOr<JobSummary> Commit(const std::string& job_id) = 0;
  virtual absl::StatusOr<JobSummary> RollBack(const std::string& job_id) = 0;
  virtual absl::StatusOr<JobSummary> Cancel(const std::string& job_id) = 0;

  // Newest first. `limit` 0: all.
  virtual absl::StatusOr<std::vector<JobSummary>> List(size_t limit) = 0;
  virtual absl::StatusOr<JobSummary> Find(const std::string& job_id) = 0;
  // Which operations of its submitter a job has, to know whether "staged" is as far as it goes.
  virtual absl::StatusOr<AllowedOperations> OperationsOf(const std::string& job_id) = 0;

  struct RecordedConfiguration {
    std::string yaml;  // empty: none
    std::string digest;
  };
  virtual absl::StatusOr<RecordedConfiguration> Configuration() = 0;

  virtual Snapshot Now() = 0;

  // How long the worker has shown no sign of life while it works on a job: no step began or ended,
  // none told anything. What the document's scripts may take does not count. Zero while it has
  // nothing to do.
  virtual std::chrono::nanoseconds WorkerSilence() = 0;

  // From after `after_sequence`; no value: only what comes from now on. OUT_OF_RANGE: another
  // journal, a sequence that was pruned or is not there yet. `journal_id` empty: not checked. The
  // subscription must end before the manager does.
  virtual absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      std::optional<uint64_t> after_sequence, const std::string& journal_id,
      std::function<void()> wake) = 0;
};

// The references must outlive the manager.
std::unique_ptr<JobManager> MakeJobManager(Datastore& store, Servicer& servicer, Clock& clock,
                                           JobManagerOptions options);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_JOB_MANAGER_H_
