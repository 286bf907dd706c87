#include "common/config/allowed_operations.h"

#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/base/yaml_document.h"

namespace trident {

absl::StatusOr<AllowedOperations> ParseAllowedOperations(std::string_view text) {
  AllowedOperations operations;
  if (StripWhitespace(text).empty()) return operations;
  for (const std::string_view part : StrSplit(text, '|')) {
    const std::string_view word = StripWhitespace(part);
    if ((AsciiToLower(word) == "update")) {
      operations.update = true;
    } else if ((AsciiToLower(word) == "transition")) {
      operations.transition = true;
    } else {
      return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "allowed-operations",
                       StrCat("\"", Shorten(word), "\" is no operation that can be allowed"),
                       "Write \"update\", \"transition\", both joined by \"|\", or \"\" for none.");
    }
  }
  return operations;
}

std::string FormatAllowedOperations(AllowedOperations operations) {
  if (operations == AllowedOperations::All()) return "update | transition";
  if (operations.update) return "update";
  return operations.transition ? "transition" : "";
}

AllowedOperations Intersect(AllowedOperations a, AllowedOperations b) {
  return {.update = a.update && b.update, .transition = a.transition && b.transition};
}

}  // namespace trident
