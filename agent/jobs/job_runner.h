// The worker: takes the active job from state to state.
#ifndef TRIDENT_AGENT_JOBS_JOB_RUNNER_H_
#define TRIDENT_AGENT_JOBS_JOB_RUNNER_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/datastore/datastore.h"
#include "agent/host/cancellation.h"
#include "agent/host/clock.h"
#include "agent/jobs/job.h"
#include "agent/jobs/journal.h"
#include "agent/jobs/ledger.h"
#include "agent/jobs/pulse.h"
#include "agent/servicing/servicer.h"

namespace trident {

// As in JobManagerOptions.
struct JobRunnerTimes {
  std::chrono::milliseconds drain_limit;
  std::chrono::milliseconds watch_interval;
};

// One thread. What it does is decided by the job's state in the ledger alone, so that it can be
// ended at any instant and begun again over the same store.
class JobRunner {
 public:
  JobRunner(Ledger& ledger, Journal& journal, Datastore& store, Servicer& servicer, Clock& clock,
            JobRunnerTimes times);
  ~JobRunner();

  void Start();
  // Interrupts the work under way and waits for the thread.
  void Stop();
  // The job or what is allowed changed: look again.
  void Poke();
  // The same, and the work under way is of no use any more.
  void Interrupt();
  // The operator accepts what this job did. Kept in memory only: a step that waits for it in
  // another process begins anew.
  void Confirm(const std::string& job_id);
  // See JobManager::WorkerSilence.
  std::chrono::nanoseconds Silence() const;

  // Reads what the store knows about the host.
  absl::StatusOr<Recorded> ReadRecorded();
  // Plans without effects. One at a time, also while a job runs.
  absl::StatusOr<Plan> MakePlan(const HostConfiguration& configuration, bool force,
                                const Cancellation& cancellation);

 private:
  // What comes after a piece of work.
  enum class Next { kLookAgain, kWait };
  struct PhaseResult;

  void Loop();
  void Work();
  Next Advance(const Job& job, const Cancellation& cancellation);
  // One for each state that is not final.
  Next MakeJobPlan(const Job& job, const Cancellation& cancellation);
  Next Stage(const Job& job, const Cancellation& cancellation);
  Next Finalize(const Job& job, const Cancellation& cancellation);
  Next Leave(const Job& job, const Cancellation& cancellation);
  Next Verify(const Job& job, const Cancellation& cancellation);
  Next RollBack(const Job& job, const Cancellation& cancellation);

  // Runs the steps of the phase that are not done. `job` follows the store.
  PhaseResult RunPhase(Job& job, const HostConfiguration& configuration, Phase phase,
                       const Cancellation& cancellation);
  absl::Status RunStep(const Job& job, const HostConfiguration& configuration, size_t index,
                       HostStatus& status, StepReporter& reporter, bool leaving,
                       const Cancellation& cancellation);
  Next Transition(const Job& job, JobEvent event, JobChange change);
  Next Fail(const Job& job, const absl::Status& error, JobChange change = {});
  Next Succeed(const Job& job, JobEvent event, const std::string& reason, bool record);
  // Takes an error of the ledger.
  Next Refused(const absl::Status& error);
  void CleanUp();
  bool stopping() const;
  bool IsConfirmed(const std::string& job_id) const;

  Ledger& ledger_;
  Journal& journal_;
  Datastore& store_;
  Servicer& servicer_;
  Clock& clock_;
  const JobRunnerTimes times_;

  std::mutex plan_mutex_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool poked_ = false;
  std::shared_ptr<Cancellation> cancellation_;
  std::string confirmed_;  // job

  Pulse pulse_;

  // Of the worker thread.
  bool resumed_ = true;  // the job is as the store had it at the start
  bool left_ = false;    // the reboot was requested
  std::string dirty_;    // job that may have left mounts behind
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_JOB_RUNNER_H_
