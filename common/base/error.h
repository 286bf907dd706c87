// Errors as they travel through Trident: an absl::Status with a structured detail.
#ifndef TRIDENT_COMMON_BASE_ERROR_H_
#define TRIDENT_COMMON_BASE_ERROR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

// One thing that is wrong with a document, and where.
struct Finding {
  std::string path;     // storage.disks[0].partitions[2].size; empty: the document itself
  uint32_t line = 0;    // 1-based; 0: the document has no such place
  uint32_t column = 0;  // 1-based
  std::string reason;   // what is wrong and what was expected
  std::string remedy;   // what to write instead

  bool operator==(const Finding&) const = default;
};

// What an error is about, for programs (kind, subkind) and for people (the rest).
struct ErrorDetail {
  // invalid-input, unsupported, precondition, environment, storage, encryption, image, boot,
  // network, datastore, health, cancelled, internal
  std::string kind;
  // Stable code within the kind, kebab-case: "hash-mismatch".
  std::string subkind;
  // What was attempted, on what, and why it failed. One or two sentences.
  std::string message;
  // From the nearest cause to the first one.
  std::vector<std::string> causes;
  // What a person can do about it. May be empty.
  std::string remedy;
  // The same call may succeed later without anything being changed.
  bool retryable = false;
  // All findings, when a document was refused.
  std::vector<Finding> findings;

  bool operator==(const ErrorDetail&) const = default;
};

// Makes a status whose message is detail.message and which carries the detail.
absl::Status MakeError(absl::StatusCode code, ErrorDetail detail);

// Short form for the common case.
absl::Status MakeError(absl::StatusCode code, std::string_view kind, std::string_view subkind,
                       std::string message, std::string remedy = "");

// The detail that a status carries. A status without one (from a library) gets kind "internal",
// subkind "unclassified" and its message. An OK status gives an empty detail.
ErrorDetail GetErrorDetail(const absl::Status& status);

// Says what was attempted when `status` happened: "<attempt>: <old message>". Code, kind, subkind,
// remedy and findings stay; the old message becomes the nearest cause. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view attempt);

// For a failed system call: "<attempt>: <strerror>", with the code that fits `error_number`
// (ENOENT -> NOT_FOUND, EACCES/EPERM -> PERMISSION_DENIED, ENOSPC -> RESOURCE_EXHAUSTED, ...).
absl::Status ErrnoError(int error_number, std::string_view kind, std::string_view subkind,
                        std::string_view attempt);

// The detail as one line of JSON and back: how it is kept in the store.
std::string ErrorDetailToJson(const ErrorDetail& detail);
absl::StatusOr<ErrorDetail> ErrorDetailFromJson(std::string_view json);

}  // namespace trident

#define TRIDENT_INTERNAL_CONCAT2(a, b) a##b
#define TRIDENT_INTERNAL_CONCAT(a, b) TRIDENT_INTERNAL_CONCAT2(a, b)

// Returns from the enclosing function when the expression's status is not OK.
#define TRIDENT_RETURN_IF_ERROR(expression)                                                      \
  do {                                                                                           \
    if (absl::Status trident_status = (expression); !trident_status.ok()) return trident_status; \
  } while (false)

// TRIDENT_ASSIGN_OR_RETURN(auto value, Function()): the value, or return the status.
#define TRIDENT_ASSIGN_OR_RETURN(declaration, expression) \
  TRIDENT_INTERNAL_ASSIGN(TRIDENT_INTERNAL_CONCAT(trident_or_, __LINE__), declaration, expression)
#define TRIDENT_INTERNAL_ASSIGN(temporary, declaration, expression) \
  auto temporary = (expression);                                    \
  if (!temporary.ok()) return temporary.status();                   \
  declaration = std::move(temporary).value()

#endif  // TRIDENT_COMMON_BASE_ERROR_H_
