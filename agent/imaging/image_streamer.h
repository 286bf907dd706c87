// Writes a compressed image to a device: read, verify, decompress, write.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_STREAMER_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_STREAMER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/imaging/fetch_options.h"
#include "common/config/host_configuration.h"

namespace trident {

// Bytes. None of them ever goes back within a stream.
struct StreamProgress {
  uint64_t fetched = 0;
  uint64_t fetch_total = 0;  // 0: unknown
  uint64_t written = 0;
};

struct StreamRequest {
  std::string url;
  ImageFormat format = ImageFormat::kRawZstd;
  // What the file as fetched is compared with. The digest of a registry is compared in any case.
  ImageHash sha256;
  BlockWriter* target = nullptr;               // not owned; must not be null
  const Cancellation* cancellation = nullptr;  // not owned; must not be null
  // Both are called in the thread of the caller and may be empty. Progress: at most five times a
  // second, and once at the end.
  std::function<void(const StreamProgress&)> progress;
  // A failed attempt that is going to be repeated, in words for the log.
  std::function<void(const std::string&)> note;
};

struct StreamResult {
  std::string sha256;            // of the file as fetched
  uint64_t fetched = 0;          // size of the file
  uint64_t written = 0;          // bytes on the device
  std::string content_checksum;  // of the written bytes, for VerifyWritten
  bool hash_compared = false;    // there was something to compare `sha256` with
};

class ImageStreamer {
 public:
  virtual ~ImageStreamer() = default;

  // Streams the whole image to the beginning of the target. OK only when the compressed data ended
  // properly, the hash is the expected one and the target has been flushed. After an error the
  // contents of the target are unknown, unless nothing was written: a bad URL, a missing image, a
  // wrong format, a window that is too large and an image whose header says that it is larger than
  // the target are found before the first write.
  //
  // Errors have kind "image" and a subkind: "not-found", "http-status", "unavailable", "stalled",
  // "certificate", "certificate-dates", "redirects", "unreadable", "not-a-file", "wrong-format",
  // "corrupt-image", "truncated", "empty-image", "window-too-large", "image-too-large",
  // "image-changed", "hash-mismatch", and those of ImageLocator::Locate. Kind "invalid-input": the
  // URL. Kind "cancelled". Errors of the target keep their own kind.
  //
  // Uses three threads and at most 7 MiB beside the decoder; nothing is stored in between.
  virtual absl::StatusOr<StreamResult> Stream(const StreamRequest& request) = 0;
};

// The streamer may be used by several threads at a time. The ports must outlive it.
std::unique_ptr<ImageStreamer> MakeImageStreamer(FetchOptions options, Files& files,
                                                 CommandRunner& commands);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_STREAMER_H_
