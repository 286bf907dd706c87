#include "client/document_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident::client {
namespace {

absl::StatusOr<std::string> ReadAll(std::istream& in, const std::string& name) {
  std::string text(kDocumentLimit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (in.bad()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "file",
                     absl::StrCat("cannot read ", name));
  }
  if (text.size() > kDocumentLimit) {
    return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "file",
                     absl::StrCat(name, " is larger than ", kDocumentLimit,
                                  " bytes, which is more than an agent takes"),
                     "Is it a Host Configuration?");
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> ReadDocument(const std::string& path, std::istream& in) {
  if (path == "-") return ReadAll(in, "the standard input");
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "file",
                     absl::StrCat("cannot read ", path, ": it is a directory"));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return ErrnoError(errno == 0 ? EIO : errno, "invalid-input", "file",
                      absl::StrCat("cannot read ", path));
  }
  return ReadAll(file, path);
}

}  // namespace trident::client
