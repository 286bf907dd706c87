#include "agent/imaging/zstd_decoder.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <bit>

#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "common/base/error.h"

namespace trident {
namespace {

absl::Status NoMemory() {
  return MakeError(absl::StatusCode::kResourceExhausted, "environment", "memory",
                   "decompressing the image: there is not enough memory for the zstd decoder");
}

absl::Status ZstdError(size_t code) {
  switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
      return NoMemory();
    case ZSTD_error_frameParameter_windowTooLarge:
      return WindowTooLarge("zstd window", kLargestWindow + 1);
    case ZSTD_error_prefix_unknown:
      return CorruptImage("after a zstd frame there is something that is not zstd data");
    case ZSTD_error_dictionary_wrong:
      return CorruptImage("it was compressed with a zstd dictionary, which is not supported");
    default:
      return CorruptImage(absl::StrCat("zstd: ", ZSTD_getErrorName(code)));
  }
}

}  // namespace

struct ZstdDecoder::Context {
  ~Context() { ZSTD_freeDCtx(stream); }

  ZSTD_DCtx* stream = nullptr;
  bool between_frames = true;
};

ZstdDecoder::ZstdDecoder() : context_(std::make_unique<Context>()) {}
ZstdDecoder::~ZstdDecoder() = default;

absl::Status ZstdDecoder::Reset() {
  if (context_->stream == nullptr) context_->stream = ZSTD_createDCtx();
  if (context_->stream == nullptr) return NoMemory();
  ZSTD_DCtx_reset(context_->stream, ZSTD_reset_session_only);
  const size_t result = ZSTD_DCtx_setParameter(context_->stream, ZSTD_d_windowLogMax,
                                               std::countr_zero(kLargestWindow));
  if (ZSTD_isError(result) != 0) return ZstdError(result);
  context_->between_frames = true;
  return absl::OkStatus();
}

absl::StatusOr<Decoder::Step> ZstdDecoder::Decode(std::span<const uint8_t> input,
                                                  std::span<uint8_t> output, bool end) {
  Step step;
  // Asked for more without input, zstd would say that it waits for the next frame.
  if (input.empty() && context_->between_frames) {
    step.done = end;
    return step;
  }
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  ZSTD_outBuffer out{output.data(), output.size(), 0};
  do {
    const size_t result = ZSTD_decompressStream(context_->stream, &out, &in);
    if (ZSTD_isError(result) != 0) return ZstdError(result);
    context_->between_frames = result == 0;
  } while (in.pos < in.size && out.pos < out.size);
  step.consumed = in.pos;
  step.produced = out.pos;
  if (end && in.pos == in.size) {
    step.done = context_->between_frames;
    if (!step.done && out.pos < out.size) {
      return Truncated("the data ends in the middle of a zstd frame");
    }
  }
  return step;
}

}  // namespace trident
