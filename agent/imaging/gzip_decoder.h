// zlib behind Decoder.
#ifndef TRIDENT_AGENT_IMAGING_GZIP_DECODER_H_
#define TRIDENT_AGENT_IMAGING_GZIP_DECODER_H_

#include <memory>
#include <span>

#include "agent/imaging/decoder.h"

namespace trident {

class GzipDecoder : public Decoder {
 public:
  GzipDecoder();
  ~GzipDecoder() override;

  absl::StatusOr<Step> Decode(std::span<const uint8_t> input, std::span<uint8_t> output,
                              bool end) override;
  absl::Status Reset() override;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_GZIP_DECODER_H_
