// Where an image comes from.
#ifndef TRIDENT_AGENT_IMAGING_IMAGE_URL_H_
#define TRIDENT_AGENT_IMAGING_IMAGE_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/config/oci_reference.h"

namespace trident {

struct ImageUrl {
  enum class Scheme { kFile, kHttp, kHttps, kOci };

  Scheme scheme = Scheme::kFile;
  std::string text;       // as given, for the transfer
  std::string path;       // kFile: the decoded absolute path; otherwise empty
  OciReference oci;       // kOci only
  std::string printable;  // for messages: without user name and password
};

// INVALID_ARGUMENT for any other scheme and for a malformed URL.
absl::StatusOr<ImageUrl> ParseImageUrl(const std::string& url);

// `host` (without port and brackets) is this host, whatever a name server says: an address of
// 127.0.0.0/8, ::1, or localhost.
bool IsLoopbackHost(const std::string& host);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_IMAGE_URL_H_
