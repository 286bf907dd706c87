#include "agent/imaging/image_errors.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {

absl::Status CorruptImage(const std::string& reason) {
  return MakeError(absl::StatusCode::kDataLoss, "image", "corrupt-image",
                   absl::StrCat("the image is corrupt: ", reason),
                   "Publish the image again and compare its SHA-256.");
}

absl::Status Truncated(const std::string& reason) {
  return MakeError(absl::StatusCode::kDataLoss, "image", "truncated",
                   absl::StrCat("the image is truncated: ", reason),
                   "Publish the whole image again and compare its size and SHA-256.");
}

absl::Status WindowTooLarge(const std::string& what, uint64_t bytes) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "image", "window-too-large",
                   absl::StrCat("decompressing the image needs a ", what, " of ", bytes,
                                " bytes; at most ", kLargestWindow, " are allowed"),
                   "Compress the image with a smaller window (zstd --long=27 or less, xz -9 or "
                   "less).");
}

absl::Status ImageTooLarge(uint64_t bytes, uint64_t volume_bytes) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "image", "image-too-large",
                   absl::StrCat("the image is larger than its volume: it holds at least ", bytes,
                                " bytes, the volume ", volume_bytes),
                   "Make the volume larger or the image smaller.");
}

absl::Status ImageChanged(const std::string& reason) {
  return MakeError(absl::StatusCode::kAborted, "image", "image-changed",
                   absl::StrCat("the image changed on the server during the transfer: ", reason),
                   "Publish every image under a URL of its own and start again.");
}

absl::Status StreamCancelled() {
  return MakeError(absl::StatusCode::kCancelled, "cancelled", "cancelled",
                   "the image transfer was cancelled");
}

}  // namespace trident
