#include "agent/imaging/raw_decoder.h"

#include <algorithm>

namespace trident {

absl::StatusOr<Decoder::Step> RawDecoder::Decode(std::span<const uint8_t> input,
                                                 std::span<uint8_t> output, bool end) {
  const size_t bytes = std::min(input.size(), output.size());
  std::copy_n(input.begin(), bytes, output.begin());
  return Step{.consumed = bytes, .produced = bytes, .done = end && bytes == input.size()};
}

absl::Status RawDecoder::Reset() { return absl::OkStatus(); }

}  // namespace trident
