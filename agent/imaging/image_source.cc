#include "agent/imaging/image_source.h"

#include "agent/imaging/file_source.h"
#include "agent/imaging/http_source.h"

namespace trident {

std::unique_ptr<ImageSource> MakeImageSource(const ImageLocation& location,
                                             const FetchOptions& options) {
  if (location.url.scheme == ImageUrl::Scheme::kFile) {
    return std::make_unique<FileSource>(location.url);
  }
  FileIdentity identity = FileIdentity::kValidator;
  if (location.sha256) identity = FileIdentity::kHash;
  if (location.content_addressed) identity = FileIdentity::kContentAddressed;
  return std::make_unique<HttpSource>(location.url, options, identity, location.authorizer);
}

}  // namespace trident
