// The three threads that carry one image from its source to its device.
#ifndef TRIDENT_AGENT_IMAGING_STREAM_PIPELINE_H_
#define TRIDENT_AGENT_IMAGING_STREAM_PIPELINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/imaging/buffer_channel.h"
#include "agent/imaging/chunk_feeder.h"
#include "agent/imaging/decoder.h"
#include "agent/imaging/digests.h"
#include "agent/imaging/image_source.h"
#include "agent/imaging/image_streamer.h"
#include "agent/imaging/stream_state.h"

namespace trident {

//   source --(chunks, compressed)--> decoder --(blocks, 1 MiB)--> writer
//   SHA-256                          size limit                   XXH3, WriteAt
//
// For one stream, then thrown away.
class StreamPipeline {
 public:
  // `request` and what it points to must outlive the pipeline.
  StreamPipeline(const StreamRequest& request, std::unique_ptr<ImageSource> source);

  // Runs to the end of the stream. Does not compare the hash and does not flush.
  absl::StatusOr<StreamResult> Run();

 private:
  absl::Status Fetch();
  absl::Status Decode();
  absl::Status Write();
  // Decodes all of `input`; with `end`, everything that is still inside the decoder.
  absl::Status Drive(std::span<const uint8_t> input, bool end);
  absl::Status BeginImage(std::span<const uint8_t> head);
  // Runs one of the above and makes its error the stream's.
  void RunGuarded(absl::Status (StreamPipeline::*part)());
  void Stop(absl::Status status);
  void Watch();
  void Report();

  const StreamRequest& request_;
  const uint64_t volume_bytes_;
  StreamState state_;
  BufferChannel chunks_;
  BufferChannel blocks_;
  std::unique_ptr<ImageSource> source_;
  ChunkFeeder feeder_;                // fetching thread
  std::unique_ptr<Decoder> decoder_;  // decoding thread, as are:
  std::unique_ptr<Buffer> block_;
  uint64_t decoded_ = 0;
  ContentChecksum checksum_;  // writing thread
  StreamProgress reported_;   // the caller's thread
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_STREAM_PIPELINE_H_
