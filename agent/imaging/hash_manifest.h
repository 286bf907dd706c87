// Lists of hashes as sha256sum(1) writes them.
#ifndef TRIDENT_AGENT_IMAGING_HASH_MANIFEST_H_
#define TRIDENT_AGENT_IMAGING_HASH_MANIFEST_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/imaging/image_url.h"

namespace trident {

inline constexpr char kHashManifestName[] = "SHA256SUMS";
inline constexpr char kHashManifestSignatureName[] = "SHA256SUMS.gpg";

// The hash (64 lower-case hex digits) of the file `name`, which may be listed as ./name. Lines are
// "<hash>  <name>" or "<hash> *<name>", with the escapes of sha256sum for names with a backslash
// or a line break; empty lines are skipped. Kind "image": NOT_FOUND, "hash-not-listed";
// INVALID_ARGUMENT, "hash-manifest" (another line, or two different hashes for the name).
absl::StatusOr<std::string> FindInHashManifest(std::string_view text, const std::string& name);

// The name of the file behind a file, http or https URL: its last component, percent-decoded.
// INVALID_ARGUMENT when it ends in a folder.
absl::StatusOr<std::string> FileNameOf(const ImageUrl& url);

// The URL of another file in the same folder. A query is left out.
absl::StatusOr<ImageUrl> SiblingOf(const ImageUrl& url, const std::string& name);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_HASH_MANIFEST_H_
