// Decompression of a stream, step by step, into memory of the caller.
#ifndef TRIDENT_AGENT_IMAGING_DECODER_H_
#define TRIDENT_AGENT_IMAGING_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/config/host_configuration.h"

namespace trident {

// One thread at a time.
class Decoder {
 public:
  struct Step {
    size_t consumed = 0;
    size_t produced = 0;
    bool done = false;  // only with `end`: everything has been decoded and handed over
  };

  virtual ~Decoder() = default;

  // Decodes from `input` into `output` until one of them is used up. `output` must not be empty.
  // `end`: there is nothing after `input`; go on calling until `done`. Errors of kind "image":
  // "corrupt-image" (also for anything behind the end of the data), "truncated" (with `end`),
  // "window-too-large".
  virtual absl::StatusOr<Step> Decode(std::span<const uint8_t> input, std::span<uint8_t> output,
                                      bool end) = 0;
  // Forgets everything: the stream starts over.
  virtual absl::Status Reset() = 0;
};

// RESOURCE_EXHAUSTED when there is no memory. Raw: what comes in goes out. Gzip: several members
// are read, nothing may follow the last one. Zstd: concatenated and skippable frames are read. Xz:
// several blocks, several streams and padding between them are read; blocks are decoded in parallel
// as far as kXzParallelMemory goes.
absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(ImageFormat format);

// What decoding xz blocks in parallel may use, in bytes: for each block its dictionary, its
// compressed and its uncompressed size. Blocks that do not fit (more than 1 to 4 MiB with the
// usual presets) are decoded one after the other, with the dictionary alone: that keeps the agent
// at "48 MiB plus window" whatever the image is like.
inline constexpr uint64_t kXzParallelMemory = uint64_t{16} << 20;

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_DECODER_H_
