// Reads a compressed image from where it is.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_SOURCE_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_SOURCE_H_

#include <memory>

#include "absl/status/status.h"
#include "agent/imaging/chunk_feeder.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/image_locator.h"
#include "agent/imaging/stream_state.h"

namespace trident {

class ImageSource {
 public:
  virtual ~ImageSource() = default;

  // Feeds the whole image, from the first to the last byte, and finishes the feeder. Returns when
  // that is done, at an error, or (with CANCELLED) soon after `state` says stop. May start over:
  // then it tells the feeder.
  virtual absl::Status Run(ChunkFeeder& feeder, StreamState& state) = 0;
};

std::unique_ptr<ImageSource> MakeImageSource(const ImageLocation& location,
                                             const FetchOptions& options);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_SOURCE_H_
