#include "agent/imaging/image_source.h"

#include "agent/imaging/file_source.h"
#include "agent/imaging/http_source.h"

namespace trident {

std::unique_ptr<ImageSource> MakeImageSource(const ImageUrl& url, const FetchOptions& options,
                                             bool hash_known) {
  if (url.scheme == ImageUrl::Scheme::kFile) return std::make_unique<FileSource>(url);
  return std::make_unique<HttpSource>(url, options, hash_known);
}

}  // namespace trident
