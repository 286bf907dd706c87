// The Host Configuration that a command is given with -f.
#ifndef TRIDENT_CLIENT_DOCUMENT_FILE_H_
#define TRIDENT_CLIENT_DOCUMENT_FILE_H_

#include <cstddef>
#include <iosfwd>
#include <string>

#include "absl/status/statusor.h"

namespace trident::client {

// The agent takes requests of 4 MiB; some of that is for the rest of the request.
inline constexpr size_t kDocumentLimit = (4 << 20) - 4096;

// The whole file, or `in` for "-". Errors name the file; they are the caller's mistakes.
absl::StatusOr<std::string> ReadDocument(const std::string& path, std::istream& in);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_DOCUMENT_FILE_H_
