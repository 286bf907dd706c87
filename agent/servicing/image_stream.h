// An image streamed by a step: with the step's progress, notes and cancellation.
#ifndef TRIDENT_AGENT_SERVICING_IMAGE_STREAM_H_
#define TRIDENT_AGENT_SERVICING_IMAGE_STREAM_H_

#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"
#include "agent/imaging/image_streamer.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Streams the image into `target`; warns when there was no hash to compare. Errors are those of
// ImageStreamer::Stream.
absl::StatusOr<StreamResult> StreamImage(ImageStreamer& streamer, const StepRun& run,
                                         const Image& image, BlockWriter& target);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_IMAGE_STREAM_H_
