#include "agent/storage/recovery_key.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/config/url.h"

namespace trident {
namespace {

// That of cryptsetup(8), which would read no more of a key file.
constexpr uint64_t kLargest = 8 << 20;
// Readable, writable by group, by others. To run or to search it reveals nothing.
constexpr uint32_t kForOthers = 0066;
constexpr uint32_t kRoot = 0;

absl::Status Refuse(absl::StatusCode code, const std::string& path, const std::string& reason,
                    std::string remedy) {
  return MakeError(code, "encryption", "recovery-key",
                   absl::StrCat("the recovery key ", path, " cannot be used: ", reason),
                   std::move(remedy));
}

absl::Status CheckFacts(const FileFacts& facts, const std::string& path) {
  const auto precondition = absl::StatusCode::kFailedPrecondition;
  if (facts.type != FileFacts::Type::kRegular) {
    return Refuse(precondition, path,
                  facts.type == FileFacts::Type::kLink        ? "it is a symbolic link"
                  : facts.type == FileFacts::Type::kDirectory ? "it is a folder"
                                                              : "it is no regular file",
                  "let recoveryKeyUrl name the file with the key itself");
  }
  if (facts.owner != kRoot) {
    return Refuse(precondition, path,
                  absl::StrCat("it belongs to the user ", facts.owner, ", not to root"),
                  absl::StrCat("give it to root: `chown root:root ", path, "`"));
  }
  if ((facts.mode & kForOthers) != 0) {
    return Refuse(
        precondition, path,
        absl::StrFormat("others than its owner may read or write it (mode %04o)", facts.mode),
        absl::StrCat("take their rights away: `chmod 0600 ", path, "`"));
  }
  if (facts.size == 0) {
    return Refuse(precondition, path, "it is empty",
                  "write the key into it, such as the output of `openssl rand -hex 32` without its "
                  "line break");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Secret> ReadRecoveryKey(const Files& files, const std::string& url) {
  const auto path = FilePathOfUrl(url);
  if (!path.ok()) {
    return Refuse(absl::StatusCode::kInvalidArgument, url, GetErrorDetail(path.status()).message,
                  "write recoveryKeyUrl as file:///absolute/path");
  }
  auto file = files.ReadSecret(*path, kLargest);
  if (absl::IsNotFound(file.status())) {
    return Refuse(absl::StatusCode::kNotFound, *path, "there is no such file",
                  "put the key there, on the host that runs the agent");
  }
  if (absl::IsResourceExhausted(file.status())) {
    return Refuse(absl::StatusCode::kFailedPrecondition, *path,
                  absl::StrCat("it is larger than ", kLargest >> 20, " MiB"),
                  "let recoveryKeyUrl name the file with the key itself");
  }
  if (!file.ok()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, *path,
                  GetErrorDetail(file.status()).message, "see that the agent can read it");
  }
  TRIDENT_RETURN_IF_ERROR(CheckFacts(file->facts, *path));
  return std::move(file->content);
}

}  // namespace trident
