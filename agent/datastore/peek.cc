#include "agent/datastore/peek.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/datastore/database.h"
#include "common/base/error.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

// A private folder, removed with what is in it.
class ScratchFolder {
 public:
  static absl::StatusOr<std::unique_ptr<ScratchFolder>> Make() {
    std::error_code error;
    const fs::path base = fs::temp_directory_path(error);
    std::string path = ((error ? fs::path("/tmp") : base) / "trident-peek-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
      return ErrnoError(errno, "datastore", "io", absl::StrCat("make the folder ", path));
    }
    return std::unique_ptr<ScratchFolder>(new ScratchFolder(std::move(path)));
  }
  ~ScratchFolder() {
    std::error_code ignored;  // nothing depends on it; temporary folders are cleaned at boot
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

absl::Status Copy(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) {
    return ErrnoError(error.value(), "datastore", "io", absl::StrCat("copy ", from, " to ", to));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Meta(Database& database, std::string_view key) {
  TRIDENT_ASSIGN_OR_RETURN(Statement statement,
                           database.Prepare("SELECT value FROM meta WHERE key = ?"));
  TRIDENT_ASSIGN_OR_RETURN(const bool row, statement.Bind(key).Step());
  return row ? statement.Text(0) : std::string();
}

absl::StatusOr<PeekedStore> Read(Database& database) {
  PeekedStore peeked;
  TRIDENT_ASSIGN_OR_RETURN(const int64_t version, database.Number("PRAGMA user_version"));
  peeked.schema_version = static_cast<int>(version);
  if (version == 0) {
    return MakeError(absl::StatusCode::kDataLoss, "datastore", "not-a-store",
                     absl::StrCat(database.path(), " is not the store of an agent."));
  }
  TRIDENT_ASSIGN_OR_RETURN(peeked.journal_id, Meta(database, "journal_id"));
  TRIDENT_ASSIGN_OR_RETURN(const int64_t min_reader,
                           database.Number("SELECT value FROM meta WHERE key = 'min_reader'"));
  peeked.min_reader = static_cast<int>(min_reader);
  TRIDENT_ASSIGN_OR_RETURN(
      Statement job,
      database.Prepare(
          "SELECT id, state, configuration_digest FROM jobs ORDER BY number DESC LIMIT 1"));
  TRIDENT_ASSIGN_OR_RETURN(const bool has_job, job.Step());
  if (has_job) peeked.newest_job = PeekedJob{job.Text(0), job.Text(1), job.Text(2)};
  TRIDENT_ASSIGN_OR_RETURN(Statement configuration,
                           database.Prepare("SELECT digest FROM configuration WHERE id = 1"));
  TRIDENT_ASSIGN_OR_RETURN(const bool has_configuration, configuration.Step());
  if (has_configuration) peeked.configuration_digest = configuration.Text(0);
  return peeked;
}

}  // namespace

absl::StatusOr<PeekedStore> PeekStore(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return MakeError(absl::StatusCode::kNotFound, "datastore", "absent",
                     absl::StrCat("There is no store at ", path, "."));
  }
  const auto leftover = [&path](const char* suffix) {
    std::error_code ignored;  // absent: nothing is left over
    const auto size = fs::file_size(path + suffix, ignored);
    return !ignored && size > 0;
  };
  // Written by an agent that did not close it (a power cut): the newest changes are beside the
  // file, and only a connection that may write can merge them.
  if (leftover("-wal") || leftover("-journal")) {
    TRIDENT_ASSIGN_OR_RETURN(const auto scratch, ScratchFolder::Make());
    const std::string copy = scratch->path() + "/store";
    TRIDENT_RETURN_IF_ERROR(Copy(path, copy));
    for (const char* suffix : {"-wal", "-journal"}) {
      if (leftover(suffix)) TRIDENT_RETURN_IF_ERROR(Copy(path + suffix, copy + suffix));
    }
    fs::permissions(copy, fs::perms::owner_read | fs::perms::owner_write, error);
    TRIDENT_ASSIGN_OR_RETURN(const auto database, Database::Open(copy, Database::Mode::kReadWrite));
    return Read(*database);
  }
  TRIDENT_ASSIGN_OR_RETURN(const auto database, Database::Open(path, Database::Mode::kImmutable));
  return Read(*database);
}

}  // namespace trident
