#include "agent/imaging/oci_image.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/imaging/digests.h"
#include "agent/imaging/http_fetch.h"
#include "agent/imaging/image_url.h"
#include "agent/imaging/oci_manifest.h"
#include "agent/imaging/registry_authorizer.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr size_t kLargestManifest = size_t{4} << 20;
constexpr size_t kDigestPrefix = sizeof("sha256:") - 1;

// The manifest of this tag or digest.
absl::StatusOr<OciManifest> FetchManifest(const OciReference& reference, const std::string& version,
                                          const FetchOptions& options, HttpAuthorizer& authorizer,
                                          const Interruption& interruption) {
  TRIDENT_ASSIGN_OR_RETURN(
      ImageUrl url, ParseImageUrl(absl::StrCat(RegistryBaseUrl(reference), "/v2/",
                                               reference.repository, "/manifests/", version)));
  HttpClient client(url, options);
  HttpRequest request;
  request.accept = kOciManifestTypes;
  TRIDENT_ASSIGN_OR_RETURN(
      const FetchedBody fetched,
      FetchDocument(client, request, kLargestManifest, options, &authorizer, interruption));
  if (IsOciDigest(version)) {
    Sha256 digest;
    digest.Update(fetched.bytes);
    if (digest.Hex() != version.substr(kDigestPrefix)) {
      return MakeError(
          absl::StatusCode::kDataLoss, "image", "hash-mismatch",
          absl::StrCat("fetching ", url.printable,
                       ": the registry sent a manifest of another digest, sha256:", digest.Hex()),
          "The registry, or something on the way to it, changes data: check it.");
    }
  }
  absl::StatusOr<OciManifest> manifest =
      ParseOciManifest(fetched.text(), fetched.response.content_type);
  TRIDENT_RETURN_IF_ERROR(Annotate(manifest.status(), absl::StrCat("reading ", url.printable)));
  return manifest;
}

}  // namespace

absl::StatusOr<OciLayer> FindOciLayer(const OciReference& reference, const FetchOptions& options,
                                      HttpAuthorizer& authorizer,
                                      const Interruption& interruption) {
  const std::string& version = reference.digest.empty() ? reference.tag : reference.digest;
  TRIDENT_ASSIGN_OR_RETURN(OciManifest manifest,
                           FetchManifest(reference, version, options, authorizer, interruption));
  if (manifest.is_index) {
    TRIDENT_ASSIGN_OR_RETURN(const OciDescriptor image, ChoosePlatform(manifest, OwnPlatform()));
    TRIDENT_ASSIGN_OR_RETURN(
        manifest, FetchManifest(reference, image.digest, options, authorizer, interruption));
    if (manifest.is_index) {
      return MakeError(absl::StatusCode::kDataLoss, "image", "oci-manifest",
                       absl::StrCat("the manifest cannot be used: ", image.digest,
                                    " is an index inside an index"),
                       "Push an index of images.");
    }
  }
  TRIDENT_ASSIGN_OR_RETURN(const OciDescriptor layer, ChooseLayer(manifest, reference.title));
  return OciLayer{.url = absl::StrCat(RegistryBaseUrl(reference), "/v2/", reference.repository,
                                      "/blobs/", layer.digest),
                  .sha256 = layer.digest.substr(kDigestPrefix),
                  .bytes = layer.size};
}

}  // namespace trident
