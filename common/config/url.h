// URLs, as far as documents have them (RFC 3986).
#ifndef TRIDENT_COMMON_CONFIG_URL_H_
#define TRIDENT_COMMON_CONFIG_URL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trident {

struct Url {
  std::string scheme;  // lower case
  std::string host;    // without user, port and brackets; may be empty
  std::string path;    // as written, with its query
};

// Only absolute URLs with an authority, "scheme://...". INVALID_ARGUMENT says what is wrong with
// the text.
absl::StatusOr<Url> ParseUrl(std::string_view text);

// Replaces %XX (RFC 3986 section 2.1). INVALID_ARGUMENT for a '%' without two digits and for %00.
absl::StatusOr<std::string> DecodePercent(std::string_view text);

// The absolute path on this host that a URL of scheme file names, with its %XX decoded.
// INVALID_ARGUMENT for another URL, and for one of another host.
absl::StatusOr<std::string> FilePathOfUrl(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_URL_H_
