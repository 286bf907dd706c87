// Where exactly an image's bytes are, and what they must hash to.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_LOCATOR_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_LOCATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/http_authorizer.h"
#include "agent/imaging/image_url.h"
#include "agent/imaging/interruption.h"
#include "common/config/image_hash.h"

namespace trident {

struct ImageLocation {
  ImageUrl url;                                // file, http or https
  std::optional<std::string> sha256;           // expected; no value: whatever comes is taken
  std::optional<uint64_t> file_bytes;          // size of the file, when it is known beforehand
  bool content_addressed = false;              // the URL names the content by its hash
  std::shared_ptr<HttpAuthorizer> authorizer;  // null: none is needed
};

// Reads what has to be read to know: the manifest of a registry, the file SHA256SUMS beside an
// image and its signature. May be used by several threads at a time.
class ImageLocator {
 public:
  // Both ports must outlive this.
  ImageLocator(FetchOptions options, Files& files, CommandRunner& commands)
      : options_(std::move(options)), files_(files), commands_(commands) {}

  // Errors as of FindOciLayer, FindInHashManifest and CheckSignature. DATA_LOSS, kind "image",
  // subkind "hash-mismatch": the registry's layer is not the one with `hash`.
  absl::StatusOr<ImageLocation> Locate(const ImageUrl& url, const ImageHash& hash,
                                       const Interruption& interruption) const;

 private:
  absl::StatusOr<ImageLocation> LocateInRegistry(const ImageUrl& url, const ImageHash& hash,
                                                 const Interruption& interruption) const;
  absl::StatusOr<std::string> HashFromManifest(const ImageUrl& url,
                                               const Interruption& interruption) const;
  // A small file beside an image.
  absl::StatusOr<std::string> ReadSmall(const ImageUrl& url, size_t limit,
                                        const Interruption& interruption) const;

  FetchOptions options_;
  Files& files_;
  CommandRunner& commands_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_LOCATOR_H_
