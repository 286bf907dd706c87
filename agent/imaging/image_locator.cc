#include "agent/imaging/image_locator.h"

#include <span>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/imaging/file_source.h"
#include "agent/imaging/hash_manifest.h"
#include "agent/imaging/http_fetch.h"
#include "agent/imaging/manifest_signature.h"
#include "agent/imaging/oci_image.h"
#include "agent/imaging/registry_authorizer.h"
#include "agent/imaging/registry_credentials.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr size_t kLargestManifest = size_t{1} << 20;
constexpr size_t kLargestSignature = size_t{64} * 1024;

// Errors name the file they are about.
absl::Status About(const ImageUrl& url, const absl::Status& status) {
  if (status.ok() || absl::StrContains(status.message(), url.printable)) return status;
  return Annotate(status, absl::StrCat("reading ", url.printable));
}

absl::StatusOr<std::string> ReadSmallFile(const ImageUrl& url, size_t limit) {
  TRIDENT_ASSIGN_OR_RETURN(const ImageFile file, ImageFile::Open(url));
  if (file.size() > limit) {
    return MakeError(absl::StatusCode::kResourceExhausted, "image", "document-too-large",
                     absl::StrCat(url.printable, " is larger than ", limit,
                                  " bytes, which are the most that are accepted"),
                     "Check that the file is what its name says.");
  }
  std::string text(file.size(), '\0');
  TRIDENT_ASSIGN_OR_RETURN(
      const size_t bytes,
      file.ReadAt(0, std::span(reinterpret_cast<uint8_t*>(text.data()), text.size())));
  text.resize(bytes);
  return text;
}

}  // namespace

absl::StatusOr<ImageLocation> ImageLocator::Locate(const ImageUrl& url, const ImageHash& hash,
                                                   const Interruption& interruption) const {
  if (url.scheme == ImageUrl::Scheme::kOci) return LocateInRegistry(url, hash, interruption);
  ImageLocation location;
  location.url = url;
  switch (hash.kind) {
    case ImageHash::Kind::kIgnored:
      break;
    case ImageHash::Kind::kHex:
      location.sha256 = hash.hex;
      break;
    case ImageHash::Kind::kManifest: {
      TRIDENT_ASSIGN_OR_RETURN(location.sha256, HashFromManifest(url, interruption));
      break;
    }
  }
  return location;
}

absl::StatusOr<ImageLocation> ImageLocator::LocateInRegistry(
    const ImageUrl& url, const ImageHash& hash, const Interruption& interruption) const {
  if (hash.kind == ImageHash::Kind::kManifest) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "invalid-input", "hash-manifest",
        absl::StrCat("image ", url.printable,
                     ": a registry has no file SHA256SUMS beside its images"),
        "Write ignored, or the hash: the digest of the layer is compared in any case.");
  }
  TRIDENT_ASSIGN_OR_RETURN(
      std::optional<std::string> credentials,
      ReadRegistryCredentials(files_, options_.registry_credentials, url.oci.registry));
  ImageLocation location;
  location.authorizer =
      std::make_shared<RegistryAuthorizer>(url.oci, std::move(credentials), options_);
  TRIDENT_ASSIGN_OR_RETURN(const OciLayer layer,
                           FindOciLayer(url.oci, options_, *location.authorizer, interruption));
  if (hash.kind == ImageHash::Kind::kHex && hash.hex != layer.sha256) {
    return MakeError(absl::StatusCode::kDataLoss, "image", "hash-mismatch",
                     absl::StrCat("image ", url.printable,
                                  ": the layer in the registry is not the expected one: expected "
                                  "SHA-256 ",
                                  hash.hex, ", its digest is ", layer.sha256),
                     "Check that the document names the image that was pushed.");
  }
  TRIDENT_ASSIGN_OR_RETURN(location.url, ParseImageUrl(layer.url));
  location.sha256 = layer.sha256;
  location.file_bytes = layer.bytes;
  location.content_addressed = true;
  return location;
}

absl::StatusOr<std::string> ImageLocator::ReadSmall(const ImageUrl& url, size_t limit,
                                                    const Interruption& interruption) const {
  if (url.scheme == ImageUrl::Scheme::kFile) return ReadSmallFile(url, limit);
  HttpClient client(url, options_);
  TRIDENT_ASSIGN_OR_RETURN(
      const FetchedBody fetched,
      FetchDocument(client, HttpRequest{}, limit, options_, nullptr, interruption));
  return std::string(fetched.text());
}

absl::StatusOr<std::string> ImageLocator::HashFromManifest(const ImageUrl& url,
                                                           const Interruption& interruption) const {
  TRIDENT_ASSIGN_OR_RETURN(const std::string name, FileNameOf(url));
  TRIDENT_ASSIGN_OR_RETURN(const ImageUrl manifest_url, SiblingOf(url, kHashManifestName));
  const absl::StatusOr<std::string> manifest =
      ReadSmall(manifest_url, kLargestManifest, interruption);
  TRIDENT_RETURN_IF_ERROR(About(manifest_url, manifest.status()));
  if (!options_.manifest_keyring.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(const ImageUrl signature_url,
                             SiblingOf(url, kHashManifestSignatureName));
    const absl::StatusOr<std::string> signature =
        ReadSmall(signature_url, kLargestSignature, interruption);
    TRIDENT_RETURN_IF_ERROR(About(signature_url, signature.status()));
    TRIDENT_RETURN_IF_ERROR(CheckSignature(files_, commands_, options_.work_folder,
                                           options_.manifest_keyring,
                                           {*manifest, *signature, signature_url.printable}));
  }
  absl::StatusOr<std::string> hash = FindInHashManifest(*manifest, name);
  TRIDENT_RETURN_IF_ERROR(About(manifest_url, hash.status()));
  return hash;
}

}  // namespace trident
