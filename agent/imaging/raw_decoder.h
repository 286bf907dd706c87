// Images that are not compressed behind Decoder.
#ifndef TRIDENT_AGENT_IMAGING_RAW_DECODER_H_
#define TRIDENT_AGENT_IMAGING_RAW_DECODER_H_

#include <span>

#include "agent/imaging/decoder.h"

namespace trident {

// What comes in goes out. That the data is whole can only be seen from its hash.
class RawDecoder : public Decoder {
 public:
  absl::StatusOr<Step> Decode(std::span<const uint8_t> input, std::span<uint8_t> output,
                              bool end) override;
  absl::Status Reset() override;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_RAW_DECODER_H_
