#include "agent/datastore/datastore.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/datastore/database.h"
#include "agent/datastore/peek.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using test::TemporaryDirectory;

std::unique_ptr<Datastore> MustOpen(const std::string& path,
                                    std::span<const Migration> migrations = BuiltinMigrations(),
                                    OpenOptions options = {}) {
  auto store = Datastore::Open(path, migrations, OpenMode::kReadWrite, std::move(options));
  REQUIRE_OK(store);
  return *std::move(store);
}

// The built-in migrations and more, as a newer agent has them.
std::vector<Migration> With(std::vector<Migration> more) {
  const auto builtin = BuiltinMigrations();
  std::vector<Migration> all(builtin.begin(), builtin.end());
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

int NextVersion() { return BuiltinMigrations().back().version + 1; }

Migration Additive() {
  return {.version = NextVersion(),
          .sql = "ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'",
          .additive = true};
}

Migration Incompatible() {
  return {.version = NextVersion(), .sql = "CREATE TABLE fresh (id INTEGER)", .additive = false};
}

JobRecord SomeJob(const std::string& id, const std::string& state = "queued") {
  JobRecord job;
  job.id = id;
  job.state = state;
  job.configuration = "storage: {}";
  job.configuration_digest = "digest";
  job.allow_update = true;
  job.plan = "{}";
  job.steps_done = 3;
  job.boot_id = "boot";
  job.reason = "because";
  job.error = "{\"kind\":\"image\"}";
  job.own_range = {1, 2};
  job.target_range = StoreRange{1, 3};
  job.roll_back_reboots = 1;
  job.created_micros = 10;
  job.updated_micros = 20;
  return job;
}

StoreChange JobChangeOf(JobRecord job) {
  StoreChange change;
  change.job = std::move(job);
  return change;
}

// Runs SQL on the file as some other program would.
std::string Sql(const std::string& path, const std::string& sql) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &connection) == SQLITE_OK);
  std::string first;
  const auto take = [](void* result, int count, char** values, char**) {
    if (count > 0 && values[0] != nullptr) *static_cast<std::string*>(result) = values[0];
    return 0;
  };
  const int code = sqlite3_exec(connection, sql.c_str(), take, &first, nullptr);
  const std::string message = sqlite3_errmsg(connection);
  sqlite3_close(connection);
  INFO(message);
  REQUIRE(code == SQLITE_OK);
  return first;
}

int ModeOf(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return static_cast<int>(status.st_mode & 07777);
}

TEST_CASE("A new store makes its folders and file for the owner alone") {
  const TemporaryDirectory folder;
  const std::string path = folder / "a/b/store.sqlite";
  const auto store = MustOpen(path);
  CHECK(ModeOf(folder / "a") == 0700);
  CHECK(ModeOf(folder / "a/b") == 0700);
  CHECK(ModeOf(path) == 0600);
  CHECK(ModeOf(path + "-wal") == 0600);
  CHECK(store->journal_id().size() == 36);
  CHECK(store->schema_version() == BuiltinMigrations().back().version);
  CHECK(store->range() == RangeOf(BuiltinMigrations()));
}

TEST_CASE("Everything written is there after the store was opened again") {
  const TemporaryDirectory folder;
  const std::string path = folder / "store";
  StoreChange change = JobChangeOf(SomeJob("one"));
  change.host_status = "ready";
  change.configuration =
      ConfigurationRecord{.yaml = "y", .digest = "d", .job_id = "one", .recorded_micros = 5};
  change.events = {"{\"a\":1}", "{\"a\":2}"};
  std::string journal;
  {
    const auto store = MustOpen(path);
    journal = store->journal_id();
    CHECK(*store->Apply(change) == 1);
    CHECK(*store->Apply({}) == 0);
  }
  const auto store = MustOpen(path);
  CHECK(store->journal_id() == journal);
  CHECK(store->FindJob("one")->value() == SomeJob("one"));
  CHECK_FALSE(store->FindJob("two")->has_value());
  CHECK(store->HostStatusYaml()->value() == "ready");
  CHECK(store->Configuration()->value() == *change.configuration);
  CHECK(*store->Events(1, 10) == std::vector<EventRecord>{{2, "{\"a\":2}"}});
  CHECK(store->Bounds()->oldest == 1);
  CHECK(store->Bounds()->newest == 2);
}

TEST_CASE("Jobs come newest first and are found by configuration and state") {
  const TemporaryDirectory folder;
  const auto store = MustOpen(folder / "store");
  for (const char* id : {"a", "b", "c"}) REQUIRE_OK(store->Apply(JobChangeOf(SomeJob(id))));
  REQUIRE_OK(store->Apply(JobChangeOf(SomeJob("a", "failed"))));
  const auto jobs = store->Jobs(2);
  REQUIRE_OK(jobs);
  REQUIRE(jobs->size() == 2);
  CHECK(jobs->at(0).id == "c");
  CHECK(jobs->at(1).id == "b");
  const std::vector<std::string> states = {"failed", "succeeded"};
  CHECK(store->NewestJob("digest", states)->value().id == "a");
  CHECK_FALSE(store->NewestJob("other", states)->has_value());
}

TEST_CASE("Old rows are pruned and sequences go on") {
  const TemporaryDirectory folder;
  OpenOptions options;
  options.events_kept = 3;
  options.host_statuses_kept = 2;
  options.jobs_kept = 2;
  {
    const auto store = MustOpen(folder / "store", BuiltinMigrations(), options);
    for (int i = 0; i < 5; ++i) {
      StoreChange change = JobChangeOf(SomeJob(absl::StrCat("job", i)));
      change.host_status = absl::StrCat("status", i / 2);
      change.events = {"{}", "{}"};
      REQUIRE_OK(store->Apply(change));
    }
    CHECK(store->Bounds()->oldest == 8);
    CHECK(store->Bounds()->newest == 10);
    CHECK(store->Jobs(0)->size() == 2);
  }
  CHECK(Sql(folder / "store", "SELECT count(*) FROM hoststatus") == "2");
  Sql(folder / "store", "DELETE FROM events");
  const auto store = MustOpen(folder / "store", BuiltinMigrations(), options);
  CHECK(store->Bounds()->oldest == 0);
  CHECK(store->Bounds()->newest == 10);
  StoreChange change;
  change.events = {"{}"};
  CHECK(*store->Apply(change) == 11);
}

TEST_CASE("A change that is refused leaves nothing behind") {
  const TemporaryDirectory folder;
  bool refuse = false;
  OpenOptions options;
  options.before_commit = [&refuse]() -> absl::Status {
    return refuse ? absl::ResourceExhaustedError("no room") : absl::OkStatus();
  };
  const auto store = MustOpen(folder / "store", BuiltinMigrations(), options);
  refuse = true;
  StoreChange change = JobChangeOf(SomeJob("one"));
  change.events = {"{}"};
  REQUIRE_ERROR(store->Apply(change), absl::StatusCode::kResourceExhausted, "no room");
  CHECK(store->Jobs(0)->empty());
  CHECK(store->Bounds()->newest == 0);
  refuse = false;
  CHECK(*store->Apply(change) == 1);
}

TEST_CASE("A second agent is refused by the lock and told which process has it") {
  const TemporaryDirectory folder;
  auto store = MustOpen(folder / "store");
  const auto second = Datastore::Open(folder / "store", BuiltinMigrations(), OpenMode::kReadWrite);
  REQUIRE_ERROR(second, absl::StatusCode::kFailedPrecondition, absl::StrCat("process ", getpid()));
  CHECK(GetErrorDetail(second.status()).subkind == "locked");
  // Looking is allowed meanwhile.
  StoreChange change;
  change.host_status = "seen";
  REQUIRE_OK(store->Apply(change));
  const auto reader = Datastore::Open(folder / "store", BuiltinMigrations(), OpenMode::kReadOnly);
  REQUIRE_OK(reader);
  CHECK((*reader)->HostStatusYaml()->value() == "seen");
  store.reset();
  MustOpen(folder / "store");
}

TEST_CASE("What is not a usable store is refused with a reason") {
  struct Case {
    const char* name;
    std::function<void(const std::string& path)> prepare;
    OpenMode mode;
    absl::StatusCode code;
    const char* subkind;
  };
  const std::vector<Case> cases = {
      {"a text file",
       [](const std::string& path) { test::WriteFile(path, std::string(4096, 'x')); },
       OpenMode::kReadWrite, absl::StatusCode::kDataLoss, "not-a-store"},
      {"a database of another program",
       [](const std::string& path) { Sql(path, "CREATE TABLE t (a)"); }, OpenMode::kReadWrite,
       absl::StatusCode::kDataLoss, "not-a-store"},
      {"a damaged store",
       [](const std::string& path) {
         {
           const auto store = MustOpen(path);
           for (int i = 0; i < 200; ++i) {
             REQUIRE_OK(store->Apply(JobChangeOf(SomeJob(absl::StrCat("job", i)))));
           }
         }
         std::string bytes = test::ReadFile(path);
         for (size_t at = 4096 + 100; at < bytes.size(); at += 512)
           bytes.replace(at, 64, 64, '\xee');
         test::WriteFile(path, bytes);
       },
       OpenMode::kReadWrite, absl::StatusCode::kDataLoss, "corrupt"},
      {"a folder", [](const std::string& path) { std::filesystem::create_directory(path); },
       OpenMode::kReadWrite, absl::StatusCode::kInternal, "cannot-open"},
      {"a folder that is a file",
       [](const std::string& path) {
         test::WriteFile(std::filesystem::path(path).parent_path().string(), "");
       },
       OpenMode::kReadWrite, absl::StatusCode::kAlreadyExists, "cannot-open"},
      {"nothing, only to be read", [](const std::string&) {}, OpenMode::kReadOnly,
       absl::StatusCode::kNotFound, "absent"},
      {"a store that needs a newer agent",
       [](const std::string& path) {
         const auto newer = With({Incompatible()});
         MustOpen(path, newer);
       },
       OpenMode::kReadWrite, absl::StatusCode::kFailedPrecondition, "too-new"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const TemporaryDirectory folder;
      const bool below_file = std::string_view(c.name) == "a folder that is a file";
      const std::string path = folder / (below_file ? "file/store" : "store");
      c.prepare(path);
      const auto store = Datastore::Open(path, BuiltinMigrations(), c.mode);
      REQUIRE_FALSE(store.ok());
      INFO(store.status().ToString());
      const ErrorDetail detail = GetErrorDetail(store.status());
      CHECK(detail.kind == "datastore");
      CHECK(detail.message.find(folder.path()) != std::string::npos);
      CHECK(store.status().code() == c.code);
      CHECK(detail.subkind == c.subkind);
    }
  }
}

TEST_CASE("A full store says so and goes on when there is room again") {
  const TemporaryDirectory folder;
  test::WriteFile(folder / "store", "");
  const auto database = Database::Open(folder / "store", Database::Mode::kReadWrite);
  REQUIRE_OK(database);
  // A limit on the pages stands for a full disk.
  REQUIRE_OK((*database)->Execute("CREATE TABLE t (a); PRAGMA max_page_count=4", "prepare"));
  const auto write = [&] {
    return (*database)->Transaction(
        [&] { return (*database)->Execute("INSERT INTO t VALUES (zeroblob(100000))", "fill"); },
        {});
  };
  const absl::Status full = write();
  REQUIRE_ERROR(full, absl::StatusCode::kResourceExhausted, "fill");
  CHECK(GetErrorDetail(full).subkind == "full");
  CHECK_FALSE(GetErrorDetail(full).remedy.empty());
  CHECK(*(*database)->Number("SELECT count(*) FROM t") == 0);
  REQUIRE_OK((*database)->Execute("PRAGMA max_page_count=1000000", "make room"));
  REQUIRE_OK(write());
}

TEST_CASE("A newer agent's additive migration leaves the store to the older one") {
  const TemporaryDirectory folder;
  const std::string path = folder / "store";
  const auto newer = With({Additive()});
  std::string journal;
  {
    const auto store = MustOpen(path);
    journal = store->journal_id();
    REQUIRE_OK(store->Apply(JobChangeOf(SomeJob("one", "rebooting"))));
  }
  {
    const auto store = MustOpen(path, newer);
    CHECK(store->schema_version() == NextVersion());
    CHECK(store->min_reader() == 1);
    REQUIRE_OK(store->Apply(JobChangeOf(SomeJob("one", "verifying"))));
  }
  Sql(path, "UPDATE jobs SET mood = 'worried'");
  {
    const auto store = MustOpen(path);
    CHECK(store->schema_version() == NextVersion());
    CHECK(store->journal_id() == journal);
    CHECK(store->FindJob("one")->value().state == "verifying");
    REQUIRE_OK(store->Apply(JobChangeOf(SomeJob("one", "rolled-back"))));
    REQUIRE_OK(store->RunDeferredMigrations());
  }
  // What the older agent does not know has kept its value.
  CHECK(Sql(path, "SELECT mood FROM jobs") == "worried");
}

TEST_CASE("An incompatible migration waits for the commit and keeps a copy") {
  const TemporaryDirectory folder;
  const std::string path = folder / "store";
  const Migration after{.version = NextVersion() + 1,
                        .sql = "ALTER TABLE fresh ADD COLUMN more TEXT",
                        .additive = true};
  const auto newer = With({Incompatible(), after});
  MustOpen(path);
  {
    const auto store = MustOpen(path, newer);
    CHECK(store->schema_version() == NextVersion() - 1);
    REQUIRE_OK(store->RunDeferredMigrations());
    CHECK(store->schema_version() == NextVersion() + 1);
    CHECK(store->min_reader() == NextVersion());
    REQUIRE_OK(store->RunDeferredMigrations());
  }
  REQUIRE_ERROR(Datastore::Open(path, BuiltinMigrations(), OpenMode::kReadWrite),
                absl::StatusCode::kFailedPrecondition, "needs an agent that knows version");
  const std::string copy = absl::StrCat(path, ".v", NextVersion() - 1, ".bak");
  CHECK(MustOpen(copy)->schema_version() == NextVersion() - 1);
}

TEST_CASE("Who can read which store") {
  struct Case {
    const char* name;
    StoreRange agent;
    int version;
    int min_reader;
    bool expected;
  };
  const Case cases[] = {
      {"the same version", {1, 2}, 2, 1, true},
      {"an older store", {1, 3}, 2, 1, true},
      {"a newer store with additions only", {1, 2}, 5, 2, true},
      {"a newer store that needs its agent", {1, 2}, 5, 3, false},
      {"a store that is too old", {4, 6}, 3, 1, false},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(CanRead(c.agent, c.version, c.min_reader) == c.expected);
  }
}

TEST_CASE("A copy carries journal id and sequences, and needs nothing beside it") {
  const TemporaryDirectory folder;
  const auto store = MustOpen(folder / "store");
  StoreChange change = JobChangeOf(SomeJob("one", "rebooting"));
  change.events = {"{}", "{}", "{}"};
  REQUIRE_OK(store->Apply(change));
  const std::string target = folder / "root/var/lib/trident/store";
  // What an earlier installation left there must not be mixed in.
  std::filesystem::create_directories(std::filesystem::path(target).parent_path());
  test::WriteFile(target, "old");
  test::WriteFile(target + "-wal", "old wal");
  REQUIRE_OK(store->BackupTo(target));
  CHECK_FALSE(std::filesystem::exists(target + "-wal"));
  CHECK_FALSE(std::filesystem::exists(target + ".partial"));
  CHECK(ModeOf(target) == 0600);

  const auto copy = MustOpen(target);
  CHECK(copy->journal_id() == store->journal_id());
  CHECK(copy->FindJob("one")->value().state == "rebooting");
  StoreChange more;
  more.events = {"{}"};
  CHECK(*copy->Apply(more) == 4);
  REQUIRE_ERROR(store->BackupTo(folder / "store/x"), absl::StatusCode::kAlreadyExists,
                "make the folder");
}

bool IsLinkTo(const std::string& path, const std::string& target) {
  return std::filesystem::is_symlink(path) && std::filesystem::read_symlink(path) == target;
}

TEST_CASE("A store that moves goes on at the new place and is found at the old one") {
  const TemporaryDirectory folder;
  const std::string before = folder / "a/store.sqlite";
  const std::string after = folder / "b/c/moved.sqlite";
  StoreChange event;
  event.events = {"{}"};
  std::string journal;
  {
    const auto store = MustOpen(before);
    journal = store->journal_id();
    REQUIRE_OK(store->Apply(JobChangeOf(SomeJob("one"))));
    CHECK(*store->Apply(event) == 1);
    std::filesystem::create_directories(folder / "b/c");
    std::filesystem::create_symlink(before, after);
    for (int times = 0; times < 2; ++times) {
      REQUIRE_OK(store->MoveTo(after));
      CHECK(store->path() == after);
      CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(after)));
      CHECK(IsLinkTo(before, after));
    }
    CHECK(*store->Apply(event) == 2);
    CHECK(store->journal_id() == journal);
    // By either name it is the one store, which has one agent.
    for (const std::string& name : {before, after}) {
      REQUIRE_ERROR(Datastore::Open(name, BuiltinMigrations(), OpenMode::kReadWrite),
                    absl::StatusCode::kFailedPrecondition, "in use by another agent");
    }
  }
  for (const std::string& name : {before, after}) {
    const auto store = MustOpen(name);
    CHECK(store->path() == after);
    CHECK(store->journal_id() == journal);
    CHECK(store->Bounds()->newest == 2);
    CHECK(store->FindJob("one")->value() == SomeJob("one"));
  }
  CHECK(Sql(after, "SELECT count(*) FROM meta WHERE key = 'moved_from'") == "0");
  {
    INFO("and back again");
    const auto store = MustOpen(after);
    REQUIRE_OK(store->MoveTo(before));
    CHECK(*store->Apply(event) == 3);
    CHECK(IsLinkTo(after, before));
  }
  CHECK(MustOpen(after)->path() == before);
}

TEST_CASE("A move that power cut short is finished by the next one") {
  const TemporaryDirectory folder;
  const std::string before = folder / "store.sqlite";
  const std::string after = folder / "moved.sqlite";
  std::string journal;
  {
    const auto store = MustOpen(before);
    journal = store->journal_id();
  }
  // The copy is there and complete; the old file has not become a link yet.
  Sql(before, "INSERT INTO meta (key, value) VALUES ('moved_from', '" + before + "')");
  Sql(before, "PRAGMA wal_checkpoint(TRUNCATE)");
  std::filesystem::copy_file(before, after);
  const auto store = MustOpen(after);
  REQUIRE_OK(store->MoveTo(after));
  CHECK(IsLinkTo(before, after));
  CHECK(store->journal_id() == journal);
}

TEST_CASE("A store does not move over a file, nor begin anew behind a link that leads nowhere") {
  const TemporaryDirectory folder;
  const std::string path = folder / "store.sqlite";
  const std::string taken = folder / "taken.sqlite";
  {
    const auto store = MustOpen(path);
    Sql(taken, "CREATE TABLE somebody (s TEXT)");
    REQUIRE_ERROR(store->MoveTo(taken), absl::StatusCode::kAlreadyExists, "a file is there");
    CHECK(store->path() == path);
    REQUIRE_OK(store->Apply(JobChangeOf(SomeJob("one"))));
  }
  const std::string link = folder / "link.sqlite";
  std::filesystem::create_symlink(folder / "away/store.sqlite", link);
  for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    REQUIRE_ERROR(Datastore::Open(link, BuiltinMigrations(), mode), absl::StatusCode::kNotFound,
                  "was moved, and where its link leads to");
  }
  CHECK_FALSE(std::filesystem::exists(folder / "away"));
}

TEST_CASE("A peek reads another store and changes nothing beside it") {
  const TemporaryDirectory folder;
  const std::string path = folder / "store #1?";
  StoreChange change = JobChangeOf(SomeJob("one", "some-new-state"));
  change.configuration =
      ConfigurationRecord{.yaml = "y", .digest = "dd", .job_id = "one", .recorded_micros = 5};
  const auto expect = [](const absl::StatusOr<PeekedStore>& peeked) {
    REQUIRE_OK(peeked);
    CHECK(peeked->newest_job == PeekedJob{"one", "some-new-state", "digest"});
    CHECK(peeked->configuration_digest == "dd");
    CHECK(peeked->schema_version == BuiltinMigrations().back().version);
    CHECK(peeked->journal_id.size() == 36);
  };
  const auto files = [&folder] {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      ++count;
    }
    return count;
  };
  SECTION("closed in good order, in a folder that cannot be written") {
    {
      const auto store = MustOpen(path);
      REQUIRE_OK(store->Apply(change));
    }
    std::filesystem::remove(path + ".lock");
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0500));
    expect(PeekStore(path));
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0700));
    CHECK(files() == 1);
  }
  SECTION("a copy") {
    const auto store = MustOpen(folder / "first");
    REQUIRE_OK(store->Apply(change));
    REQUIRE_OK(store->BackupTo(path));
    const size_t before = files();
    expect(PeekStore(path));
    CHECK(files() == before);
  }
  SECTION("left with its newest changes beside the file, as after a power cut") {
    const auto store = MustOpen(folder / "first");
    REQUIRE_OK(store->Apply(change));
    std::filesystem::copy_file(folder / "first", path);
    std::filesystem::copy_file(folder / "first-wal", path + "-wal");
    const size_t before = files();
    expect(PeekStore(path));
    CHECK(files() == before);
  }
  SECTION("absent") {
    REQUIRE_ERROR(PeekStore(folder / "none"), absl::StatusCode::kNotFound, "no store");
  }
  SECTION("not a store") {
    test::WriteFile(path, "hello");
    REQUIRE_ERROR(PeekStore(path), absl::StatusCode::kDataLoss, "store");
    test::WriteFile(path, "");
    REQUIRE_ERROR(PeekStore(path), absl::StatusCode::kDataLoss, "not the store");
  }
}

}  // namespace
}  // namespace trident
