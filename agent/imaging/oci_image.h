// Finds the layer of an OCI registry that a reference names.
#ifndef TRIDENT_AGENT_IMAGING_OCI_IMAGE_H_
#define TRIDENT_AGENT_IMAGING_OCI_IMAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/http_authorizer.h"
#include "agent/imaging/interruption.h"
#include "common/config/oci_reference.h"

namespace trident {

struct OciLayer {
  std::string url;     // http or https: where its bytes are
  std::string sha256;  // of its bytes, 64 lower-case hex digits
  uint64_t bytes = 0;
};

// Reads the manifest, and through an index that of the image for this platform. Every manifest that
// is asked for by digest is compared with it. Errors as of ParseOciManifest, ChoosePlatform,
// ChooseLayer and of the transfer.
absl::StatusOr<OciLayer> FindOciLayer(const OciReference& reference, const FetchOptions& options,
                                      HttpAuthorizer& authorizer, const Interruption& interruption);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_OCI_IMAGE_H_
