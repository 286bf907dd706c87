#include "common/kickstart/source_files.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "common/base/error.h"
#include "common/base/strings.h"

namespace trident::kickstart {
namespace {

constexpr char kKind[] = "invalid-input";
constexpr char kSubkind[] = "file";

}  // namespace

absl::StatusOr<std::string> LocalFiles::Read(const std::string& path) const {
  const std::string attempt = StrCat("cannot read ", path);
  std::error_code error;
  const std::filesystem::file_status facts = std::filesystem::status(path, error);
  if (error) return ErrnoError(error.value(), kKind, kSubkind, attempt);
  // A device or a pipe may have no end.
  if (!std::filesystem::is_regular_file(facts)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, kKind, kSubkind,
                     StrCat(attempt, ": it is not a regular file"));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return ErrnoError(errno == 0 ? EIO : errno, kKind, kSubkind, attempt);
  std::string text(kMostFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return ErrnoError(EIO, kKind, kSubkind, attempt);
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMostFileBytes) {
    return MakeError(absl::StatusCode::kResourceExhausted, kKind, kSubkind,
                     StrCat(attempt, ": it is larger than ", kMostFileBytes, " bytes"));
  }
  return text;
}

}  // namespace trident::kickstart
