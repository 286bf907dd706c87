// Which operations a caller, or the agent's configuration, allows.
#ifndef TRIDENT_COMMON_CONFIG_ALLOWED_OPERATIONS_H_
#define TRIDENT_COMMON_CONFIG_ALLOWED_OPERATIONS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trident {

struct AllowedOperations {
  bool update = false;
  bool transition = false;

  static AllowedOperations All() { return {.update = true, .transition = true}; }
  static AllowedOperations None() { return {}; }

  bool operator==(const AllowedOperations&) const = default;
};

// "update | transition", any case, blanks optional; "" is none. Another word: INVALID_ARGUMENT
// that names it.
absl::StatusOr<AllowedOperations> ParseAllowedOperations(std::string_view text);

// "update | transition", "update", "transition" or "".
std::string FormatAllowedOperations(AllowedOperations operations);

// What both allow.
AllowedOperations Intersect(AllowedOperations a, AllowedOperations b);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_ALLOWED_OPERATIONS_H_
