// The errors of images that more than one part of the pipeline can find.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_ERRORS_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_ERRORS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace trident {

// The largest decoder window (zstd) or dictionary (xz) that is accepted, in bytes.
inline constexpr uint64_t kLargestWindow = uint64_t{128} << 20;

// All have kind "image"; the subkind is the function's name in kebab-case.
absl::Status CorruptImage(const std::string& reason);
absl::Status Truncated(const std::string& reason);
// `what`: "zstd window", "xz dictionary".
absl::Status WindowTooLarge(const std::string& what, uint64_t bytes);
// `bytes`: how large the image is at least.
absl::Status ImageTooLarge(uint64_t bytes, uint64_t volume_bytes);
absl::Status ImageChanged(const std::string& reason);
// Kind "cancelled".
absl::Status StreamCancelled();

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_ERRORS_H_
