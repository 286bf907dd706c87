// Where an image comes from.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_URL_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_URL_H_

#include <string>

#include "absl/status/statusor.h"

namespace trident {

struct ImageUrl {
  enum class Scheme { kFile, kHttp, kHttps };

  Scheme scheme = Scheme::kFile;
  std::string text;       // as given, for the transfer
  std::string path;       // kFile: the decoded absolute path; otherwise empty
  std::string printable;  // for messages: without user name and password
};

// UNIMPLEMENTED for oci; INVALID_ARGUMENT for any other scheme and for a malformed file URL.
absl::StatusOr<ImageUrl> ParseImageUrl(const std::string& url);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_URL_H_
