#include "agent/datastore/datastore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/datastore/database.h"
#include "agent/datastore/store_lock.h"
#include "agent/datastore/uuid.h"
#include "agent/host/files.h"
#include "common/base/error.h"
#include "common/base/version.h"

namespace trident {
namespace {

// In the table meta, while a move is under way: where the store was.
constexpr std::string_view kMovedFrom = "moved_from";

constexpr char kJobColumns[] =
    "id, state, configuration, configuration_digest, allow_update, allow_transition, force, plan, "
    "steps_done, boot_id, reason, error, own_oldest, own_newest, target_oldest, target_newest, "
    "roll_back_reboots, created_micros, updated_micros";

absl::Status MakeFolders(const std::filesystem::path& folder) {
  if (folder.empty()) return absl::OkStatus();
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(MakeFolders(folder.parent_path()));
  // Another process may make it at the same time; a file of that name is no folder.
  if (mkdir(folder.c_str(), 0700) != 0) {
    const int reason = errno;
    if (reason == EEXIST && std::filesystem::is_directory(folder, error)) return absl::OkStatus();
    return ErrnoError(reason, "datastore", "cannot-open",
                      absl::StrCat("make the folder ", folder.string(), " for the store"));
  }
  return absl::OkStatus();
}

// Where the store that `path` names is: links are followed, also to where none is yet.
absl::StatusOr<std::string> PlaceOf(const std::string& path) {
  std::error_code error;
  const bool is_link = std::filesystem::is_symlink(path, error);
  const std::filesystem::path place = is_link ? std::filesystem::canonical(path, error)
                                              : std::filesystem::weakly_canonical(path, error);
  if (!error) return place.string();
  if (!is_link) return ErrnoError(error.value(), "datastore", "cannot-open", "find " + path);
  return MakeError(
      absl::StatusCode::kNotFound, "datastore", "absent",
      absl::StrCat("The store ", path, " was moved, and where its link leads to (",
                   std::filesystem::read_symlink(path, error).string(), ") there is none."),
      "Mount the file system that it was moved to, then start the agent again.");
}

absl::Status MakeFile(const std::string& path) {
  // SQLite gives its -wal and -shm the mode of the file itself.
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return ErrnoError(errno, "datastore", "cannot-open", absl::StrCat("open the store ", path));
  }
  close(descriptor);
  return absl::OkStatus();
}

// A link to `target` takes the place of what is at `path`.
absl::Status ReplaceByLink(const std::string& target, const std::string& path) {
  return Annotate(MakeLinuxFiles()->MakeLink(target, path),
                  absl::StrCat("leave a link to the store at ", path));
}

JobRecord ReadJob(const Statement& row) {
  JobRecord job;
  job.id = row.Text(0);
  job.state = row.Text(1);
  job.configuration = row.Text(2);
  job.configuration_digest = row.Text(3);
  job.allow_update = row.Integer(4) != 0;
  job.allow_transition = row.Integer(5) != 0;
  job.force = row.Integer(6) != 0;
  if (!row.IsNull(7)) job.plan = row.Text(7);
  job.steps_done = row.Integer(8);
  job.boot_id = row.Text(9);
  job.reason = row.Text(10);
  if (!row.IsNull(11)) job.error = row.Text(11);
  job.own_range = {static_cast<int>(row.Integer(12)), static_cast<int>(row.Integer(13))};
  if (!row.IsNull(14) && !row.IsNull(15)) {
    job.target_range =
        StoreRange{static_cast<int>(row.Integer(14)), static_cast<int>(row.Integer(15))};
  }
  job.roll_back_reboots = row.Integer(16);
  job.created_micros = row.Integer(17);
  job.updated_micros = row.Integer(18);
  return job;
}

class SqliteDatastore final : public Datastore {
 public:
  SqliteDatastore(std::string path, std::span<const Migration> migrations, OpenOptions options)
      : path_(std::move(path)), migrations_(migrations), options_(std::move(options)) {}

  absl::Status OpenReadWrite() {
    TRIDENT_ASSIGN_OR_RETURN(path_, PlaceOf(path_));
    TRIDENT_RETURN_IF_ERROR(MakeFolders(std::filesystem::path(path_).parent_path()));
    TRIDENT_ASSIGN_OR_RETURN(StoreLock lock, StoreLock::Acquire(path_));
    lock_.emplace(std::move(lock));
    TRIDENT_RETURN_IF_ERROR(MakeFile(path_));
    TRIDENT_ASSIGN_OR_RETURN(database_, Database::Open(path_, Database::Mode::kReadWrite));
    TRIDENT_RETURN_IF_ERROR(CheckIntegrity());
    TRIDENT_RETURN_IF_ERROR(SetUp(*database_));
    TRIDENT_RETURN_IF_ERROR(ReadVersion());
    const bool fresh = version_ == 0;
    if (fresh) {
      TRIDENT_ASSIGN_OR_RETURN(const int64_t tables,
                               database_->Number("SELECT count(*) FROM sqlite_master"));
      if (tables != 0) {
        return MakeError(absl::StatusCode::kDataLoss, "datastore", "not-a-store",
                         absl::StrCat(path_, " is a database of another program."),
                         "Name another file with --datastore.");
      }
    } else {
      TRIDENT_RETURN_IF_ERROR(CheckVersion());
    }
    for (const Migration& migration : migrations_) {
      if (migration.version <= version_) continue;
      // Migrations build on each other: behind one that must wait, all wait.
      if (!fresh && !migration.additive) break;
      TRIDENT_RETURN_IF_ERROR(Migrate(migration));
    }
    return Identify();
  }

  absl::Status OpenReadOnly() {
    TRIDENT_ASSIGN_OR_RETURN(path_, PlaceOf(path_));
    std::error_code error;
    if (!std::filesystem::exists(path_, error)) {
      return MakeError(absl::StatusCode::kNotFound, "datastore", "absent",
                       absl::StrCat("There is no store at ", path_, "."),
                       "Name the agent's store with --datastore, or start the agent first.");
    }
    TRIDENT_ASSIGN_OR_RETURN(database_, Database::Open(path_, Database::Mode::kReadOnly));
    TRIDENT_RETURN_IF_ERROR(ReadVersion());
    if (version_ == 0) {
      return MakeError(absl::StatusCode::kDataLoss, "datastore", "not-a-store",
                       absl::StrCat(path_, " is not the store of an agent."));
    }
    TRIDENT_RETURN_IF_ERROR(CheckVersion());
    TRIDENT_ASSIGN_OR_RETURN(const auto journal, Meta("journal_id"));
    journal_id_ = journal.value_or("");
    return absl::OkStatus();
  }

  std::string path() const override {
    const std::lock_guard lock(mutex_);
    return path_;
  }
  const std::string& journal_id() const override { return journal_id_; }
  StoreRange range() const override { return RangeOf(migrations_); }
  int schema_version() const override {
    const std::lock_guard lock(mutex_);
    return version_;
  }
  int min_reader() const override {
    const std::lock_guard lock(mutex_);
    return min_reader_;
  }

  absl::StatusOr<uint64_t> Apply(const StoreChange& change) override {
    const std::lock_guard lock(mutex_);
    uint64_t first = 0;
    TRIDENT_RETURN_IF_ERROR(database_->Transaction(
        [&]() -> absl::Status {
          if (change.job.has_value()) TRIDENT_RETURN_IF_ERROR(WriteJob(*change.job));
          if (change.host_status.has_value()) {
            TRIDENT_RETURN_IF_ERROR(WriteHostStatusRow(*change.host_status));
          }
          if (change.configuration.has_value()) {
            TRIDENT_RETURN_IF_ERROR(WriteConfiguration(*change.configuration));
          }
          TRIDENT_ASSIGN_OR_RETURN(first, WriteEvents(change.events));
          return absl::OkStatus();
        },
        options_.before_commit));
    return first;
  }

  absl::StatusOr<std::optional<std::string>> HostStatusYaml() override {
    const std::lock_guard lock(mutex_);
    return NewestHostStatus();
  }

  absl::StatusOr<std::optional<ConfigurationRecord>> Configuration() override {
    const std::lock_guard lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare("SELECT c.yaml, c.digest, c.recorded_micros, j.id FROM configuration c "
                           "LEFT JOIN jobs j ON j.number = c.job WHERE c.id = 1"));
    TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return std::nullopt;
    return ConfigurationRecord{.yaml = statement.Text(0),
                               .digest = statement.Text(1),
                               .job_id = statement.Text(3),
                               .recorded_micros = statement.Integer(2)};
  }

  absl::StatusOr<std::vector<JobRecord>> Jobs(size_t limit) override {
    const std::lock_guard lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(Statement statement, database_->Prepare(absl::StrCat(
                                                      "SELECT ", kJobColumns,
                                                      " FROM jobs ORDER BY number DESC LIMIT ?")));
    statement.Bind(limit == 0 ? int64_t{-1} : static_cast<int64_t>(limit));
    std::vector<JobRecord> jobs;
    while (true) {
      TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) return jobs;
      jobs.push_back(ReadJob(statement));
    }
  }

  absl::StatusOr<std::optional<JobRecord>> FindJob(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare(absl::StrCat("SELECT ", kJobColumns, " FROM jobs WHERE id = ?")));
    TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Bind(std::string_view(id)).Step());
    if (!row) return std::nullopt;
    return ReadJob(statement);
  }

  absl::StatusOr<std::optional<JobRecord>> NewestJob(const std::string& configuration_digest,
                                                     std::span<const std::string> states) override {
    const std::lock_guard lock(mutex_);
    const std::string places = absl::StrJoin(std::vector<std::string>(states.size(), "?"), ", ");
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare(absl::StrCat("SELECT ", kJobColumns,
                                        " FROM jobs WHERE configuration_digest = ? AND state IN (",
                                        places, ") ORDER BY number DESC LIMIT 1")));
    statement.Bind(std::string_view(configuration_digest));
    for (const std::string& state : states) statement.Bind(std::string_view(state));
    TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return std::nullopt;
    return ReadJob(statement);
  }

  absl::StatusOr<std::vector<EventRecord>> Events(uint64_t after, size_t limit) override {
    const std::lock_guard lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare(
            "SELECT sequence, body FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?"));
    statement.Bind(static_cast<int64_t>(after)).Bind(static_cast<int64_t>(limit));
    std::vector<EventRecord> events;
    while (true) {
      TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) return events;
      events.push_back({static_cast<uint64_t>(statement.Integer(0)), statement.Text(1)});
    }
  }

  absl::StatusOr<JournalBounds> Bounds() override {
    const std::lock_guard lock(mutex_);
    JournalBounds bounds;
    TRIDENT_ASSIGN_OR_RETURN(const int64_t oldest,
                             database_->Number("SELECT min(sequence) FROM events"));
    TRIDENT_ASSIGN_OR_RETURN(
        const int64_t newest,
        database_->Number("SELECT seq FROM sqlite_sequence WHERE name = 'events'"));
    bounds.oldest = static_cast<uint64_t>(oldest);
    bounds.newest = static_cast<uint64_t>(newest);
    return bounds;
  }

  absl::Status BackupTo(const std::string& path) override {
    TRIDENT_RETURN_IF_ERROR(MakeFolders(std::filesystem::path(path).parent_path()));
    const std::lock_guard lock(mutex_);
    return database_->CopyTo(path);
  }

  absl::Status MoveTo(const std::string& path) override {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    TRIDENT_RETURN_IF_ERROR(MakeFolders(folder));
    TRIDENT_ASSIGN_OR_RETURN(const std::string place, PlaceOf(folder.string()));
    const std::string target =
        (std::filesystem::path(place) / std::filesystem::path(path).filename()).string();
    const std::lock_guard lock(mutex_);
    if (target == path_) return LeaveLink();
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(target, error)) &&
        std::filesystem::canonical(target, error) != path_) {
      return MakeError(absl::StatusCode::kAlreadyExists, "datastore", "place-taken",
                       absl::StrCat("The store cannot move to ", target, ": a file is there."),
                       "Remove it, or name another path.");
    }
    TRIDENT_ASSIGN_OR_RETURN(StoreLock moved_lock, StoreLock::Acquire(target));
    // Goes along with the copy: should power fail, the next call knows where the link is missing.
    TRIDENT_RETURN_IF_ERROR(SetMeta(kMovedFrom, path_));
    TRIDENT_RETURN_IF_ERROR(database_->CopyTo(target));
    absl::StatusOr<std::unique_ptr<Database>> moved =
        Database::Open(target, Database::Mode::kReadWrite);
    const absl::Status usable = moved.ok() ? SetUp(**moved) : moved.status();
    if (!usable.ok()) {
      // What is written from now on must not miss in a copy that the next start would take.
      TRIDENT_RETURN_IF_ERROR(ReplaceByLink(path_, target));
      return usable;
    }
    database_ = *std::move(moved);
    // The old one is let go of when the link is in its place.
    std::swap(*lock_, moved_lock);
    path_ = target;
    return LeaveLink();
  }

  absl::Status RunDeferredMigrations() override {
    const std::lock_guard lock(mutex_);
    if (version_ >= migrations_.back().version) return absl::OkStatus();
    const std::string copy = absl::StrCat(path_, ".v", version_, ".bak");
    TRIDENT_RETURN_IF_ERROR(
        Annotate(database_->CopyTo(copy), "Keep a copy of the store before it is migrated"));
    for (const Migration& migration : migrations_) {
      if (migration.version > version_) TRIDENT_RETURN_IF_ERROR(Migrate(migration));
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status SetUp(Database& database) {
    return database.Execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
        "PRAGMA cache_size=-512; PRAGMA journal_size_limit=1048576",
        "set up the store");
  }

  // Where the store came from it is found by a link.
  absl::Status LeaveLink() {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> from, Meta(kMovedFrom));
    if (!from) return absl::OkStatus();
    if (*from != path_) TRIDENT_RETURN_IF_ERROR(ReplaceByLink(path_, *from));
    TRIDENT_ASSIGN_OR_RETURN(Statement statement,
                             database_->Prepare("DELETE FROM meta WHERE key = ?"));
    return statement.Bind(kMovedFrom).Run();
  }

  absl::Status CheckIntegrity() {
    TRIDENT_ASSIGN_OR_RETURN(Statement check, database_->Prepare("PRAGMA quick_check(1)"));
    TRIDENT_ASSIGN_OR_RETURN(const bool row, check.Step());
    if (row && check.Text(0) != "ok") {
      return MakeError(
          absl::StatusCode::kDataLoss, "datastore", "corrupt",
          absl::StrCat("The store ", path_, " is damaged: ", check.Text(0), "."),
          "Move the file aside (keep it for repair); the agent then begins with an empty store.");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<std::string>> Meta(std::string_view key) {
    TRIDENT_ASSIGN_OR_RETURN(Statement statement,
                             database_->Prepare("SELECT value FROM meta WHERE key = ?"));
    TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Bind(key).Step());
    if (!row) return std::nullopt;
    return statement.Text(0);
  }

  absl::Status SetMeta(std::string_view key, std::string_view value) {
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare("INSERT INTO meta (key, value) VALUES (?, ?) "
                           "ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
    return statement.Bind(key).Bind(value).Run();
  }

  absl::Status ReadVersion() {
    TRIDENT_ASSIGN_OR_RETURN(const int64_t version, database_->Number("PRAGMA user_version"));
    version_ = static_cast<int>(version);
    if (version_ == 0) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(const int64_t min_reader,
                             database_->Number("SELECT value FROM meta WHERE key = 'min_reader'"));
    min_reader_ = static_cast<int>(min_reader);
    return absl::OkStatus();
  }

  absl::Status CheckVersion() {
    const StoreRange own = RangeOf(migrations_);
    if (CanRead(own, version_, min_reader_)) return absl::OkStatus();
    if (min_reader_ > own.newest) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "datastore", "too-new",
                       absl::StrCat("The store ", path_, " has schema version ", version_,
                                    " and needs an agent that knows version ", min_reader_,
                                    "; this agent knows up to ", own.newest, "."),
                       "Use the newer agent.");
    }
    return MakeError(absl::StatusCode::kFailedPrecondition, "datastore", "too-old",
                     absl::StrCat("The store ", path_, " has schema version ", version_,
                                  "; this agent reads from version ", own.oldest, " on."),
                     "Let an agent of a version in between migrate the store first.");
  }

  absl::Status Migrate(const Migration& migration) {
    TRIDENT_RETURN_IF_ERROR(Annotate(
        database_->Transaction(
            [&]() -> absl::Status {
              TRIDENT_RETURN_IF_ERROR(database_->Execute(migration.sql, "change the schema"));
              TRIDENT_RETURN_IF_ERROR(
                  database_->Execute(absl::StrCat("PRAGMA user_version=", migration.version),
                                     "write the schema version"));
              if (migration.additive) return absl::OkStatus();
              return SetMeta("min_reader", absl::StrCat(migration.version));
            },
            options_.before_commit),
        absl::StrCat("Bring the store to schema version ", migration.version)));
    version_ = migration.version;
    if (!migration.additive) min_reader_ = migration.version;
    return absl::OkStatus();
  }

  // Journal id of a new store, and which agent works on it.
  absl::Status Identify() {
    TRIDENT_ASSIGN_OR_RETURN(auto journal, Meta("journal_id"));
    TRIDENT_ASSIGN_OR_RETURN(const auto agent, Meta("agent_version"));
    if (!journal.has_value() || agent != TRIDENT_VERSION) {
      if (!journal.has_value()) {
        TRIDENT_ASSIGN_OR_RETURN(journal, MakeUuid());
      }
      TRIDENT_RETURN_IF_ERROR(database_->Transaction(
          [&]() -> absl::Status {
            TRIDENT_RETURN_IF_ERROR(SetMeta("journal_id", *journal));
            return SetMeta("agent_version", TRIDENT_VERSION);
          },
          options_.before_commit));
    }
    journal_id_ = *journal;
    return absl::OkStatus();
  }

  absl::Status WriteJob(const JobRecord& job) {
    // Updates name their columns, so that those of a newer agent keep their values.
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare(absl::StrCat(
            "INSERT INTO jobs (", kJobColumns,
            ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state, "
            "allow_update = excluded.allow_update, allow_transition = excluded.allow_transition, "
            "force = excluded.force, plan = excluded.plan, steps_done = excluded.steps_done, "
            "boot_id = excluded.boot_id, reason = excluded.reason, error = excluded.error, "
            "own_oldest = excluded.own_oldest, own_newest = excluded.own_newest, "
            "target_oldest = excluded.target_oldest, target_newest = excluded.target_newest, "
            "roll_back_reboots = excluded.roll_back_reboots, "
            "updated_micros = excluded.updated_micros")));
    const auto part = [&job](int StoreRange::*member) -> std::optional<int64_t> {
      if (!job.target_range.has_value()) return std::nullopt;
      return (*job.target_range).*member;
    };
    statement.Bind(std::string_view(job.id))
        .Bind(std::string_view(job.state))
        .Bind(std::string_view(job.configuration))
        .Bind(std::string_view(job.configuration_digest))
        .Bind(int64_t{job.allow_update})
        .Bind(int64_t{job.allow_transition})
        .Bind(int64_t{job.force})
        .Bind(job.plan)
        .Bind(job.steps_done)
        .Bind(std::string_view(job.boot_id))
        .Bind(std::string_view(job.reason))
        .Bind(job.error)
        .Bind(int64_t{job.own_range.oldest})
        .Bind(int64_t{job.own_range.newest})
        .Bind(part(&StoreRange::oldest))
        .Bind(part(&StoreRange::newest))
        .Bind(job.roll_back_reboots)
        .Bind(job.created_micros)
        .Bind(job.updated_micros);
    TRIDENT_RETURN_IF_ERROR(statement.Run());
    return Prune("jobs", "number", options_.jobs_kept);
  }

  absl::StatusOr<std::optional<std::string>> NewestHostStatus() {
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare("SELECT contents FROM hoststatus ORDER BY id DESC LIMIT 1"));
    TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return std::nullopt;
    return statement.Text(0);
  }

  absl::Status WriteHostStatusRow(const std::string& contents) {
    TRIDENT_ASSIGN_OR_RETURN(const auto newest, NewestHostStatus());
    if (newest == contents) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(Statement statement,
                             database_->Prepare("INSERT INTO hoststatus (contents) VALUES (?)"));
    TRIDENT_RETURN_IF_ERROR(statement.Bind(std::string_view(contents)).Run());
    return Prune("hoststatus", "id", options_.host_statuses_kept);
  }

  absl::Status WriteConfiguration(const ConfigurationRecord& record) {
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare(
            "INSERT INTO configuration (id, yaml, digest, job, recorded_micros) "
            "VALUES (1, ?, ?, (SELECT number FROM jobs WHERE id = ?), ?) "
            "ON CONFLICT (id) DO UPDATE SET yaml = excluded.yaml, digest = excluded.digest, "
            "job = excluded.job, recorded_micros = excluded.recorded_micros"));
    return statement.Bind(std::string_view(record.yaml))
        .Bind(std::string_view(record.digest))
        .Bind(std::string_view(record.job_id))
        .Bind(record.recorded_micros)
        .Run();
  }

  absl::StatusOr<uint64_t> WriteEvents(const std::vector<std::string>& bodies) {
    uint64_t first = 0;
    for (const std::string& body : bodies) {
      TRIDENT_ASSIGN_OR_RETURN(Statement statement,
                               database_->Prepare("INSERT INTO events (body) VALUES (?)"));
      TRIDENT_RETURN_IF_ERROR(statement.Bind(std::string_view(body)).Run());
      if (first == 0) {
        first = static_cast<uint64_t>(sqlite3_last_insert_rowid(database_->connection()));
      }
    }
    if (first != 0) TRIDENT_RETURN_IF_ERROR(Prune("events", "sequence", options_.events_kept));
    return first;
  }

  // Keeps the newest `kept` rows.
  absl::Status Prune(const char* table, const char* key, size_t kept) {
    TRIDENT_ASSIGN_OR_RETURN(
        Statement statement,
        database_->Prepare(absl::StrCat("DELETE FROM ", table, " WHERE ", key, " <= (SELECT max(",
                                        key, ") FROM ", table, ") - ?")));
    return statement.Bind(static_cast<int64_t>(kept)).Run();
  }

  std::string path_;
  const std::span<const Migration> migrations_;
  const OpenOptions options_;

  mutable std::mutex mutex_;
  std::optional<StoreLock> lock_;  // let go of after the database
  std::unique_ptr<Database> database_;
  int version_ = 0;
  int min_reader_ = 0;
  std::string journal_id_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Datastore>> Datastore::Open(const std::string& path,
                                                           std::span<const Migration> migrations,
                                                           OpenMode mode, OpenOptions options) {
  auto store = std::make_unique<SqliteDatastore>(path, migrations, std::move(options));
  TRIDENT_RETURN_IF_ERROR(mode == OpenMode::kReadWrite ? store->OpenReadWrite()
                                                       : store->OpenReadOnly());
  return store;
}

}  // namespace trident
