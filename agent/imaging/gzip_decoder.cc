#include "agent/imaging/gzip_decoder.h"

#define ZLIB_CONST  // input that is only read is const
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "common/base/error.h"

namespace trident {
namespace {

// Gzip headers only (not zlib's own), with the largest window.
constexpr int kGzipWindowBits = 16 + MAX_WBITS;
constexpr uint8_t kFirstMagicByte = 0x1F;  // RFC 1952 section 2.3.1

uInt Clamp(size_t bytes) {
  return static_cast<uInt>(std::min<size_t>(bytes, std::numeric_limits<uInt>::max()));
}

absl::Status NoMemory() {
  return MakeError(absl::StatusCode::kResourceExhausted, "environment", "memory",
                   "decompressing the image: there is not enough memory for the gzip decoder");
}

}  // namespace

struct GzipDecoder::Context {
  ~Context() {
    if (initialized) inflateEnd(&stream);
  }

  z_stream stream{};
  bool initialized = false;
  bool between_members = true;
};

GzipDecoder::GzipDecoder() : context_(std::make_unique<Context>()) {}
GzipDecoder::~GzipDecoder() = default;

absl::Status GzipDecoder::Reset() {
  context_->between_members = true;
  if (context_->initialized) {
    inflateReset(&context_->stream);
    return absl::OkStatus();
  }
  if (inflateInit2(&context_->stream, kGzipWindowBits) != Z_OK) return NoMemory();
  context_->initialized = true;
  return absl::OkStatus();
}

absl::StatusOr<Decoder::Step> GzipDecoder::Decode(std::span<const uint8_t> input,
                                                  std::span<uint8_t> output, bool end) {
  z_stream& stream = context_->stream;
  Step step;
  for (;;) {
    const std::span<const uint8_t> in = input.subspan(step.consumed);
    const std::span<uint8_t> out = output.subspan(step.produced);
    if (in.empty() && context_->between_members) {
      step.done = end;
      return step;
    }
    if (out.empty()) return step;
    if (context_->between_members && in.front() != kFirstMagicByte) {
      return CorruptImage("after a gzip member there is something that is not gzip data");
    }
    context_->between_members = false;
    stream.next_in = in.data();
    stream.avail_in = Clamp(in.size());
    stream.next_out = out.data();
    stream.avail_out = Clamp(out.size());
    const size_t given = stream.avail_in;
    const size_t room = stream.avail_out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    step.consumed += given - stream.avail_in;
    step.produced += room - stream.avail_out;
    switch (result) {
      case Z_STREAM_END:
        context_->between_members = true;
        inflateReset(&stream);
        continue;
      case Z_OK:
      case Z_BUF_ERROR:  // nothing could be done with so little
        break;
      case Z_MEM_ERROR:
        return NoMemory();
      case Z_NEED_DICT:
        return CorruptImage("it was compressed with a dictionary, which gzip does not have");
      default:
        return CorruptImage(
            absl::StrCat("gzip: ", stream.msg != nullptr ? stream.msg : "the data is wrong"));
    }
    if (step.consumed < input.size()) continue;
    if (step.produced < output.size() && end) {
      return Truncated("the data ends in the middle of a gzip member");
    }
    return step;
  }
}

}  // namespace trident
