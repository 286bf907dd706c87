// SQLite, owned: a connection and its statements. Used in this folder only.
#ifndef TRIDENT_AGENT_DATASTORE_DATABASE_H_
#define TRIDENT_AGENT_DATASTORE_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

// What the last call on the connection failed with, as an error of kind "datastore": which file,
// what was attempted, SQLite's reason, and what to do. Codes: DATA_LOSS corrupt or not a store,
// RESOURCE_EXHAUSTED full, PERMISSION_DENIED read-only or not accessible, UNAVAILABLE busy.
absl::Status SqliteError(sqlite3* connection, int code, const std::string& path,
                         std::string_view attempt);

// A prepared statement. Errors of binding come with the next Step.
class Statement {
 public:
  Statement(sqlite3_stmt* statement, sqlite3* connection, std::string path);

  Statement& Bind(std::string_view text);
  Statement& Bind(int64_t value);
  Statement& Bind(const std::optional<std::string>& text);
  Statement& Bind(const std::optional<int64_t>& value);

  // True: a row is there. False: the statement has ended.
  absl::StatusOr<bool> Step();
  // Runs a statement that gives no rows.
  absl::Status Run();

  // Columns of the current row, from 0.
  std::string Text(int column) const;
  int64_t Integer(int column) const;
  bool IsNull(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  sqlite3* connection_;
  std::string path_;
  int next_parameter_ = 1;
  int bind_code_ = SQLITE_OK;
};

// Not thread safe.
class Database {
 public:
  enum class Mode {
    kReadWrite,  // the file is there
    kReadOnly,
    kImmutable,  // read only, of a file that nobody changes: needs no -wal and -shm beside it
  };

  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);

  // Any number of statements without parameters and rows.
  absl::Status Execute(const std::string& sql, std::string_view attempt);
  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // First column of the first row, as a number; 0 when there is no row.
  absl::StatusOr<int64_t> Number(std::string_view sql);

  // Runs `body` in a transaction that holds the write lock from its beginning. An error of the
  // body, of `before_commit` (may be empty) or of the commit undoes everything.
  absl::Status Transaction(const std::function<absl::Status()>& body,
                           const std::function<absl::Status()>& before_commit);

  // Copies the whole database to `path` through a file beside it: complete and durable, or not
  // there. The copy needs no other file.
  absl::Status CopyTo(const std::string& path);

  const std::string& path() const { return path_; }
  sqlite3* connection() { return connection_.get(); }

 private:
  struct Closer {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };

  Database(sqlite3* connection, std::string path)
      : connection_(connection), path_(std::move(path)) {}

  std::unique_ptr<sqlite3, Closer> connection_;
  std::string path_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_DATASTORE_DATABASE_H_
