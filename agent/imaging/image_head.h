// What the first bytes of a compressed image tell.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_HEAD_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "common/config/host_configuration.h"

namespace trident {

// So many bytes always suffice for InspectHead (unless zstd skippable frames come first).
inline constexpr size_t kHeadBytes = size_t{64} * 1024;

struct ImageHead {
  // Memory for the window (zstd, gzip) or dictionary (xz). 0: none, or the head is too short to
  // tell.
  uint64_t window_bytes = 0;
  // Uncompressed size that the first frame or block declares. The image is at least so large, and
  // exactly so large if it has no other frame or block. Raw: the size of the file. Gzip: never
  // known.
  std::optional<uint64_t> first_content_bytes;
};

// `head`: the first bytes of the file, all of them when there are fewer than kHeadBytes.
// `file_bytes`: the size of the file; no value: unknown. A raw image that begins as compressed data
// or a web page does is of the wrong format: no file system begins so. Errors of kind "image":
// "truncated" (also for an empty file), "wrong-format", "corrupt-image", "window-too-large".
absl::StatusOr<ImageHead> InspectHead(ImageFormat format, std::span<const uint8_t> head,
                                      std::optional<uint64_t> file_bytes);

// The uncompressed size of an xz file of one stream, from the index at its end. `tail`: the last
// bytes of the file, `file_bytes` its size. No value: several streams, or the index does not fit
// in `tail`, or it is damaged (which decoding will find).
std::optional<uint64_t> XzContentBytes(std::span<const uint8_t> tail, uint64_t file_bytes);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_HEAD_H_
