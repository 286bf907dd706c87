// What the agent knows, in memory and in the store, always the same in both: the active job, the
// newest one, and the Host Status.
#ifndef TRIDENT_AGENT_JOBS_LEDGER_H_
#define TRIDENT_AGENT_JOBS_LEDGER_H_

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/datastore/datastore.h"
#include "agent/host/clock.h"
#include "agent/jobs/event.h"
#include "agent/jobs/job.h"
#include "agent/jobs/job_manager.h"
#include "agent/jobs/journal.h"
#include "agent/jobs/transitions.h"
#include "common/status/host_status.h"

namespace trident {

// What else is written together with a change of the job.
struct JobChange {
  std::function<void(Job&)> edit;    // may be empty
  std::optional<HostStatus> status;  // reconcile state and last job are the ledger's
  std::vector<Event> events;         // before that of the transition; their job is filled in
  std::optional<ConfigurationRecord> configuration;
};

// The two common cases: an edit, or one event.
inline JobChange Editing(std::function<void(Job&)> edit) {
  JobChange change;
  change.edit = std::move(edit);
  return change;
}
inline JobChange Telling(Event event) {
  JobChange change;
  change.events.push_back(std::move(event));
  return change;
}

// Thread safe. Every change is in the store before anybody sees it.
class Ledger {
 public:
  Ledger(Datastore& store, Clock& clock, Journal& journal)
      : store_(store), clock_(clock), journal_(journal) {}

  absl::Status Load();

  std::optional<Job> Active() const;
  HostStatus Status() const;
  Snapshot Now() const;
  // The newest job, when another version of the agent left it in a state that this one does not
  // know: an error that names it. Nothing can be begun then.
  absl::Status Foreign() const;

  absl::Status Begin(Job job);

  // Applies the event to the active job, if it still is as `seen` (id and state). ABORTED: it is
  // not (see HasMovedOn). INTERNAL: the table does not list it.
  absl::StatusOr<Job> Transition(const Job& seen, JobEvent event, JobChange change);
  // The same without a change of state.
  absl::StatusOr<Job> Edit(const Job& seen, JobChange change);
  // `events` are about the host, not about a job.
  absl::Status SaveStatus(const HostStatus& status, std::vector<Event> events = {});

  // The job stands still because of `error`; nothing is begun until the agent is started again.
  void Halt(const absl::Status& error);
  // OK, or why the job stands still.
  absl::Status Halted() const;

 private:
  // `write_mutex_` is held.
  absl::StatusOr<Job> Write(const Job& seen, std::optional<JobEvent> event, JobChange change);
  // The status with the parts that follow from the job.
  HostStatus Compose(HostStatus status, const std::optional<Job>& job) const;

  Datastore& store_;
  Clock& clock_;
  Journal& journal_;

  // Held from reading the state to having changed it, also while the store writes.
  std::mutex write_mutex_;
  // Held shortly; never while the store writes.
  mutable std::mutex state_mutex_;
  std::optional<Job> newest_;
  absl::Status foreign_;
  std::optional<JobSummary> foreign_summary_;
  HostStatus status_;
  std::string status_yaml_;
  absl::Status halted_;
};

// The job changed meanwhile; look again.
bool HasMovedOn(const absl::Status& status);

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_LEDGER_H_
