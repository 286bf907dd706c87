#include "agent/imaging/xz_decoder.h"

#include <lzma.h>

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "common/base/error.h"

namespace trident {
namespace {

// The largest accepted dictionary and what liblzma needs beside it.
constexpr uint64_t kMemoryLimit = kLargestWindow + (uint64_t{4} << 20);
// Enough to overlap; more would not fit in kXzParallelMemory anyway.
constexpr unsigned kMostThreads = 4;

absl::Status NoMemory() {
  return MakeError(absl::StatusCode::kResourceExhausted, "environment", "memory",
                   "decompressing the image: there is not enough memory for the xz decoder");
}

}  // namespace

struct XzDecoder::Context {
  ~Context() { lzma_end(&stream); }

  lzma_stream stream = LZMA_STREAM_INIT;
  bool done = false;
};

XzDecoder::XzDecoder() : context_(std::make_unique<Context>()) {}
XzDecoder::~XzDecoder() = default;

absl::Status XzDecoder::Reset() {
  lzma_mt options{};
  options.flags = LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK;
  options.threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads);
  options.memlimit_threading = kXzParallelMemory;
  options.memlimit_stop = kMemoryLimit;
  context_->done = false;
  if (lzma_stream_decoder_mt(&context_->stream, &options) != LZMA_OK) return NoMemory();
  return absl::OkStatus();
}

absl::StatusOr<Decoder::Step> XzDecoder::Decode(std::span<const uint8_t> input,
                                                std::span<uint8_t> output, bool end) {
  Step step;
  if (context_->done) {
    step.done = true;
    return step;
  }
  lzma_stream& stream = context_->stream;
  stream.next_in = input.data();
  stream.avail_in = input.size();
  stream.next_out = output.data();
  stream.avail_out = output.size();
  lzma_ret result = LZMA_OK;
  do {
    result = lzma_code(&stream, end ? LZMA_FINISH : LZMA_RUN);
  } while (result == LZMA_OK && stream.avail_out > 0 && (end || stream.avail_in > 0));
  step.consumed = input.size() - stream.avail_in;
  step.produced = output.size() - stream.avail_out;
  switch (result) {
    case LZMA_OK:
      return step;
    case LZMA_STREAM_END:
      context_->done = true;
      step.done = true;
      return step;
    case LZMA_BUF_ERROR:
      if (end) return Truncated("the data ends in the middle of an xz stream");
      return step;  // nothing could be done with so little; not an error yet
    case LZMA_MEM_ERROR:
      return NoMemory();
    case LZMA_MEMLIMIT_ERROR:
      return WindowTooLarge("xz dictionary", lzma_memusage(&stream));
    case LZMA_FORMAT_ERROR:
      return CorruptImage("there is something that is not xz data");
    case LZMA_OPTIONS_ERROR:
      return CorruptImage("it uses a feature of the xz format that is not supported");
    case LZMA_UNSUPPORTED_CHECK:
      return CorruptImage("its integrity check is of an unknown kind");
    case LZMA_DATA_ERROR:
      return CorruptImage("xz: the data or its check sum is wrong");
    default:
      return CorruptImage(absl::StrCat("xz: error ", static_cast<int>(result)));
  }
}

}  // namespace trident
