// The store: everything that must survive a restart of the agent or the machine.
#ifndef TRIDENT_AGENT_DATASTORE_DATASTORE_H_
#define TRIDENT_AGENT_DATASTORE_DATASTORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/datastore/schema.h"
#include "agent/datastore/store_range.h"

namespace trident {

// A job as it is kept. State, plan and error are text: another version of the agent may have
// written values that this one does not know.
struct JobRecord {
  std::string id;
  std::string state;
  std::string configuration;
  std::string configuration_digest;
  bool allow_update = false;
  bool allow_transition = false;
  bool force = false;
  std::optional<std::string> plan;  // JSON
  int64_t steps_done = 0;
  std::string boot_id;
  std::string reason;
  std::optional<std::string> error;  // JSON
  StoreRange own_range;
  std::optional<StoreRange> target_range;
  int64_t roll_back_reboots = 0;
  int64_t created_micros = 0;
  int64_t updated_micros = 0;

  bool operator==(const JobRecord&) const = default;
};

struct EventRecord {
  uint64_t sequence = 0;
  std::string body;  // JSON

  bool operator==(const EventRecord&) const = default;
};

struct ConfigurationRecord {
  std::string yaml;
  std::string digest;
  std::string job_id;  // empty: the job is not in the store any more
  int64_t recorded_micros = 0;

  bool operator==(const ConfigurationRecord&) const = default;
};

// What is written at once. Everything is optional.
struct StoreChange {
  std::optional<JobRecord> job;            // inserted or updated, by id
  std::optional<std::string> host_status;  // YAML; kept as a new row when it differs
  std::optional<ConfigurationRecord> configuration;
  std::vector<std::string> events;  // bodies, in order
};

// The sequences that the journal can still tell.
struct JournalBounds {
  uint64_t oldest = 0;  // 0: none is kept
  uint64_t newest = 0;  // also when it was pruned; 0: there never was one
};

enum class OpenMode {
  kReadWrite,  // made when missing; locked against other agents; migrated
  kReadOnly,   // as it is; also while an agent works on it
};

struct OpenOptions {
  size_t events_kept = 20000;
  size_t host_statuses_kept = 1000;
  size_t jobs_kept = 500;
  // Asked before every commit of a change; an error undoes the change. How tests let a store fail.
  std::function<absl::Status()> before_commit;
};

// Errors have kind "datastore". Every operation is one transaction. Thread safe.
class Datastore {
 public:
  // Read-write: makes the folders (0700) and the file (0600), takes the lock, runs the additive
  // migrations that are due (all of them on a new store). FAILED_PRECONDITION: "locked" by another
  // agent, "too-new" or "too-old" for this one. DATA_LOSS: not a store, or damaged.
  // Read-only: NOT_FOUND when there is no file. `migrations` must outlive the store.
  // A link at `path` is followed, so that the store has one lock by whatever name it is opened; one
  // that leads nowhere is NOT_FOUND, never a reason to begin an empty store.
  static absl::StatusOr<std::unique_ptr<Datastore>> Open(const std::string& path,
                                                         std::span<const Migration> migrations,
                                                         OpenMode mode, OpenOptions options = {});
  virtual ~Datastore() = default;

  // Of the file itself: not a link to it.
  virtual std::string path() const = 0;
  // Names this journal; goes along with copies.
  virtual const std::string& journal_id() const = 0;
  // Of this agent.
  virtual StoreRange range() const = 0;
  virtual int schema_version() const = 0;
  // Newest schema version that a reader of this store must know.
  virtual int min_reader() const = 0;

  // Returns the sequence of the first event of the change; 0: it has none.
  virtual absl::StatusOr<uint64_t> Apply(const StoreChange& change) = 0;

  virtual absl::StatusOr<std::optional<std::string>> HostStatusYaml() = 0;
  virtual absl::StatusOr<std::optional<ConfigurationRecord>> Configuration() = 0;
  // Newest first. `limit` 0: all.
  virtual absl::StatusOr<std::vector<JobRecord>> Jobs(size_t limit) = 0;
  virtual absl::StatusOr<std::optional<JobRecord>> FindJob(const std::string& id) = 0;
  // The newest job of this configuration that is in one of the states.
  virtual absl::StatusOr<std::optional<JobRecord>> NewestJob(
      const std::string& configuration_digest, std::span<const std::string> states) = 0;
  // At most `limit` events after `after`, in order.
  virtual absl::StatusOr<std::vector<EventRecord>> Events(uint64_t after, size_t limit) = 0;
  virtual absl::StatusOr<JournalBounds> Bounds() = 0;

  // Copies the store to `path`, durably, replacing what is there. Journal id and sequences go
  // along.
  virtual absl::Status BackupTo(const std::string& path) = 0;

  // Makes `path` the place of the store, which goes on without a pause; a link to it stays at the
  // old place, for a system that knows no other. At no moment is there no store at `path`, if a
  // link to it was there before, so that power may fail at any time; the move is then finished by
  // the next call. OK when the store is at `path` already. ALREADY_EXISTS: something else is there.
  virtual absl::Status MoveTo(const std::string& path) = 0;

  // Runs the migrations that are still due. A copy of the store as it was stays at
  // "<path>.v<version>.bak". Only after the new system was committed to: an older agent may not be
  // able to read the result.
  virtual absl::Status RunDeferredMigrations() = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_DATASTORE_DATASTORE_H_
