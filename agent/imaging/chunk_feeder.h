// The fetching end of the pipeline: hashes compressed bytes and hands them on in chunks.
#ifndef TRIDENT_AGENT_IMAGING_CHUNK_FEEDER_H_
#define TRIDENT_AGENT_IMAGING_CHUNK_FEEDER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/imaging/buffer_channel.h"
#include "agent/imaging/digests.h"
#include "agent/imaging/stream_state.h"

namespace trident {

// Used by the fetching thread only. Functions return false when the stream was stopped.
class ChunkFeeder {
 public:
  // Both must outlive the feeder.
  ChunkFeeder(BufferChannel& channel, StreamState& state) : channel_(channel), state_(state) {}

  // Copies `data` in.
  bool Append(std::span<const uint8_t> data);
  // For a source that reads straight into the chunk: room for at least one byte, empty when
  // stopped; then Commit what was read.
  std::span<uint8_t> Room();
  bool Commit(size_t bytes);

  // The stream starts over from its first byte.
  bool Restart();
  // The source has been read to its end.
  bool Finish();

  uint64_t fed() const { return fed_; }  // bytes since the start or the last restart
  // SHA-256 of those bytes.
  std::string DigestHex() const { return sha256_.Hex(); }

 private:
  bool Flush();

  BufferChannel& channel_;
  StreamState& state_;
  std::unique_ptr<Buffer> chunk_;
  Sha256 sha256_;
  uint64_t fed_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_CHUNK_FEEDER_H_
