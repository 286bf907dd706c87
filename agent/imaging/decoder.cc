#include "agent/imaging/decoder.h"

#include "agent/imaging/gzip_decoder.h"
#include "agent/imaging/raw_decoder.h"
#include "agent/imaging/xz_decoder.h"
#include "agent/imaging/zstd_decoder.h"
#include "common/base/error.h"

namespace trident {

absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(ImageFormat format) {
  std::unique_ptr<Decoder> decoder;
  switch (format) {
    case ImageFormat::kRaw:
      decoder = std::make_unique<RawDecoder>();
      break;
    case ImageFormat::kRawGzip:
      decoder = std::make_unique<GzipDecoder>();
      break;
    case ImageFormat::kRawZstd:
      decoder = std::make_unique<ZstdDecoder>();
      break;
    case ImageFormat::kRawLzma:
      decoder = std::make_unique<XzDecoder>();
      break;
  }
  TRIDENT_RETURN_IF_ERROR(decoder->Reset());
  return decoder;
}

}  // namespace trident
