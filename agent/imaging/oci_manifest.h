// The manifests of OCI registries: what an image consists of.
#ifndef TRIDENT_AGENT_IMAGING_OCI_MANIFEST_H_
#define TRIDENT_AGENT_IMAGING_OCI_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace trident {

// A descriptor of the OCI image specification 1.1, as far as it is used.
struct OciDescriptor {
  std::string digest;  // as written
  uint64_t size = 0;
  std::string title;     // annotation org.opencontainers.image.title; may be empty
  std::string platform;  // "linux/amd64"; may be empty

  bool operator==(const OciDescriptor&) const = default;
};

// An image manifest (OCI, or Docker's schema 2) or an index of such (OCI, or Docker's list).
struct OciManifest {
  bool is_index = false;
  std::vector<OciDescriptor> entries;  // manifests of an index, layers of an image
};

// For the header Accept: all that ParseOciManifest reads.
extern const char kOciManifestTypes[];

// `content_type`: the header, for manifests that do not say themselves what they are. DATA_LOSS,
// kind "image", subkind "oci-manifest": it is none, or of another kind.
absl::StatusOr<OciManifest> ParseOciManifest(std::string_view json,
                                             const std::string& content_type);

// The first entry of an index for `platform`; NOT_FOUND lists what there is.
absl::StatusOr<OciDescriptor> ChoosePlatform(const OciManifest& index, const std::string& platform);

// The layer with this title; the only layer when `title` is empty. Otherwise NOT_FOUND or
// INVALID_ARGUMENT, subkind "oci-layer", with the titles that there are.
absl::StatusOr<OciDescriptor> ChooseLayer(const OciManifest& manifest, const std::string& title);

// "linux/" and the architecture of this program, in the words of the specification.
std::string OwnPlatform();

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_OCI_MANIFEST_H_
