// References to images in OCI registries.
#ifndef TRIDENT_COMMON_CONFIG_OCI_REFERENCE_H_
#define TRIDENT_COMMON_CONFIG_OCI_REFERENCE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trident {

// oci://registry[:port]/repository[:tag|@sha256:digest][#title], in the grammar of the OCI
// distribution specification 1.1.
struct OciReference {
  std::string registry;    // host[:port] as written
  std::string host;        // without port and brackets
  std::string repository;  // may have slashes
  std::string tag;         // "latest" when neither a tag nor a digest is given; else one is empty
  std::string digest;      // "sha256:" and 64 lower-case hex digits
  std::string title;       // of the layer, percent-decoded; empty: the only layer

  bool operator==(const OciReference&) const = default;
};

// INVALID_ARGUMENT says what is wrong with the text.
absl::StatusOr<OciReference> ParseOciReference(std::string_view url);

// "sha256:" and 64 lower-case hex digits: the one kind of digest that is accepted.
bool IsOciDigest(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_OCI_REFERENCE_H_
