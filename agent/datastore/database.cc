#include "agent/datastore/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr int kBusyMilliseconds = 5000;

struct Meaning {
  int code;
  absl::StatusCode status;
  const char* subkind;
  const char* remedy;
};

constexpr Meaning kMeanings[] = {
    {SQLITE_CORRUPT, absl::StatusCode::kDataLoss, "corrupt",
     "Move the file aside (keep it for repair); the agent then begins with an empty store."},
    {SQLITE_NOTADB, absl::StatusCode::kDataLoss, "not-a-store",
     "Name another file, or move this one aside: the agent then begins with an empty store."},
    {SQLITE_FULL, absl::StatusCode::kResourceExhausted, "full",
     "Make room on the file system that holds the store."},
    {SQLITE_READONLY, absl::StatusCode::kPermissionDenied, "read-only",
     "Make the file and its folder writable for the agent."},
    {SQLITE_CANTOPEN, absl::StatusCode::kPermissionDenied, "cannot-open",
     "Check that the path is a file and that the agent may read and write it and its folder."},
    {SQLITE_PERM, absl::StatusCode::kPermissionDenied, "cannot-open",
     "Check that the agent may read and write the file and its folder."},
    {SQLITE_BUSY, absl::StatusCode::kUnavailable, "busy",
     "Another program holds the store open; end it and try again."},
    {SQLITE_LOCKED, absl::StatusCode::kUnavailable, "busy",
     "Another program holds the store open; end it and try again."},
    {SQLITE_IOERR, absl::StatusCode::kDataLoss, "io",
     "Check the device that holds the store (kernel log)."},
};

absl::Status SyncPath(const std::string& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return ErrnoError(errno, "datastore", "io", absl::StrCat("open ", path));
  const int result = fsync(descriptor);
  const int error = errno;
  close(descriptor);
  if (result != 0) return ErrnoError(error, "datastore", "io", absl::StrCat("flush ", path));
  return absl::OkStatus();
}

// A file name as SQLite's URI takes it.
std::string UriPath(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      absl::StrAppendFormat(&result, "%%%02X", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result;
}

void RemoveQuietly(const std::string& path) {
  std::error_code ignored;  // absent is what is wanted; anything else shows when it is written
  std::filesystem::remove(path, ignored);
}

}  // namespace

absl::Status SqliteError(sqlite3* connection, int code, const std::string& path,
                         std::string_view attempt) {
  const std::string reason =
      connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  ErrorDetail detail;
  detail.kind = "datastore";
  detail.subkind = "sqlite";
  detail.message =
      absl::StrCat("Cannot ", std::string(attempt), " (store ", path, "): ", reason, ".");
  detail.causes.push_back(reason);
  absl::StatusCode status = absl::StatusCode::kInternal;
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code != (code & 0xff)) continue;
    status = meaning.status;
    detail.subkind = meaning.subkind;
    detail.remedy = meaning.remedy;
  }
  detail.retryable = status == absl::StatusCode::kUnavailable;
  return MakeError(status, std::move(detail));
}

Statement::Statement(sqlite3_stmt* statement, sqlite3* connection, std::string path)
    : statement_(statement), connection_(connection), path_(std::move(path)) {}

Statement& Statement::Bind(std::string_view text) {
  const int code = sqlite3_bind_text64(statement_.get(), next_parameter_++,
                                       text.data() == nullptr ? "" : text.data(), text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
  return *this;
}

Statement& Statement::Bind(int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), next_parameter_++, value);
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
  return *this;
}

Statement& Statement::Bind(const std::optional<std::string>& text) {
  if (text.has_value()) return Bind(std::string_view(*text));
  ++next_parameter_;  // parameters are null until they are bound
  return *this;
}

Statement& Statement::Bind(const std::optional<int64_t>& value) {
  if (value.has_value()) return Bind(*value);
  ++next_parameter_;
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  if (bind_code_ != SQLITE_OK) {
    return SqliteError(connection_, bind_code_, path_, "bind a value");
  }
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return SqliteError(connection_, code, path_,
                     sqlite3_stmt_readonly(statement_.get()) != 0 ? "read" : "write");
}

absl::Status Statement::Run() {
  while (true) {
    TRIDENT_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

std::string Statement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string() : std::string(text, text + size);
}

int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  std::string uri = absl::StrCat("file:", UriPath(path));
  if (mode == Mode::kImmutable) uri += "?immutable=1";
  const int flags = SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX |
                    (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(uri.c_str(), &connection, flags, nullptr);
  std::unique_ptr<Database> database(new Database(connection, path));
  if (code != SQLITE_OK) return SqliteError(connection, code, path, "open the store");
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyMilliseconds);
  return database;
}

absl::Status Database::Execute(const std::string& sql, std::string_view attempt) {
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return SqliteError(connection_.get(), code, path_, attempt);
  return absl::OkStatus();
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  Statement result(statement, connection_.get(), path_);
  if (code != SQLITE_OK) return SqliteError(connection_.get(), code, path_, "read the schema");
  return result;
}

absl::StatusOr<int64_t> Database::Number(std::string_view sql) {
  TRIDENT_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Integer(0) : 0;
}

absl::Status Database::Transaction(const std::function<absl::Status()>& body,
                                   const std::function<absl::Status()>& before_commit) {
  TRIDENT_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE", "begin a transaction"));
  absl::Status status = body();
  if (status.ok() && before_commit) status = before_commit();
  if (status.ok()) status = Execute("COMMIT", "commit a transaction");
  // Some errors (a full disk) have ended the transaction already.
  if (!status.ok() && sqlite3_get_autocommit(connection_.get()) == 0) {
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  return status;
}

absl::Status Database::CopyTo(const std::string& path) {
  const std::string partial = path + ".partial";
  const auto clean = [&partial] {
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) RemoveQuietly(partial + suffix);
  };
  clean();
  const int descriptor = open(partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return ErrnoError(errno, "datastore", "copy",
                      absl::StrCat("create ", partial, " for a copy of the store"));
  }
  close(descriptor);
  const absl::Status copied = [&]() -> absl::Status {
    TRIDENT_ASSIGN_OR_RETURN(const auto copy, Open(partial, Mode::kReadWrite));
    sqlite3_backup* backup =
        sqlite3_backup_init(copy->connection(), "main", connection_.get(), "main");
    if (backup == nullptr) {
      return SqliteError(copy->connection(), sqlite3_errcode(copy->connection()), path,
                         "begin to copy the store");
    }
    const int code = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) return SqliteError(nullptr, code, path, "copy the store");
    // The mode is part of the file: without this, readers of the copy would want a -wal beside it.
    TRIDENT_RETURN_IF_ERROR(copy->Execute("PRAGMA journal_mode=DELETE", "finish the copy"));
    return absl::OkStatus();
  }();
  absl::Status status = copied.ok() ? SyncPath(partial, O_RDONLY) : copied;
  if (status.ok()) {
    // Left by an older store of this name, they would be taken for parts of the new one.
    for (const char* suffix : {"-wal", "-shm", "-journal"}) RemoveQuietly(path + suffix);
    if (std::rename(partial.c_str(), path.c_str()) != 0) {
      status = ErrnoError(errno, "datastore", "copy", absl::StrCat("rename ", partial));
    }
  }
  if (!status.ok()) {
    clean();
    return status;
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return SyncPath(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace trident
