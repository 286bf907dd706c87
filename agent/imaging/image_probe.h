// Looks at an image without fetching it whole.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_PROBE_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_PROBE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/imaging/fetch_options.h"
#include "common/config/host_configuration.h"

namespace trident {

struct ImageFacts {
  uint64_t fetch_bytes = 0;  // size of the compressed file; 0: unknown
  // Uncompressed size when known. Zstd: as the first frame declares it; an image of several frames
  // is larger than that. Raw: the size of the file. Gzip: never known. Xz: from the index at the
  // end of the file, so only with a server that answers range requests.
  std::optional<uint64_t> content_bytes;
  uint64_t decoder_window_bytes = 0;  // 0: unknown
  // Equal as long as the image is the same one: strong ETag, or Last-Modified; for a file its
  // modification time and size as text. Empty: none.
  std::string validator;
  // What the file must hash to: from the document, from SHA256SUMS, or the digest in the registry.
  // Empty: nothing is compared.
  std::string sha256;
};

class ImageProber {
 public:
  virtual ~ImageProber() = default;

  // Reads at most the first and the last 64 KiB, and what ImageLocator reads. Errors as of
  // ImageStreamer::Stream, as far as they can be seen there: "not-found", "unavailable",
  // "wrong-format", "window-too-large", ...
  virtual absl::StatusOr<ImageFacts> Probe(const Image& image,
                                           const Cancellation& cancellation) = 0;
};

// The prober may be used by several threads at a time. The ports must outlive it.
std::unique_ptr<ImageProber> MakeImageProber(FetchOptions options, Files& files,
                                             CommandRunner& commands);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_PROBE_H_
