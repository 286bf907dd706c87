#include "agent/imaging/oci_manifest.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/config/oci_reference.h"

namespace trident {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 2> kImageTypes = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::array<std::string_view, 2> kIndexTypes = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json"};
constexpr char kTitle[] = "org.opencontainers.image.title";

bool IsOneOf(std::string_view text, const std::array<std::string_view, 2>& known) {
  return text == known[0] || text == known[1];
}

absl::Status BadManifest(const std::string& reason) {
  return MakeError(absl::StatusCode::kDataLoss, "image", "oci-manifest",
                   absl::StrCat("the manifest cannot be used: ", reason),
                   "Push the image again, as an OCI artifact (oras push) or image.");
}

// Empty unless `object` has a text of this name.
std::string TextOf(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Json MemberOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? Json() : *found;
}

absl::StatusOr<OciDescriptor> ParseDescriptor(const Json& json) {
  OciDescriptor descriptor;
  const Json size = json.is_object() ? MemberOf(json, "size") : Json();
  descriptor.digest = TextOf(json, "digest");
  if (descriptor.digest.empty() || !size.is_number_unsigned()) {
    return BadManifest("a descriptor in it has no digest or no size");
  }
  descriptor.size = size.get<uint64_t>();
  descriptor.title = TextOf(MemberOf(json, "annotations"), kTitle);
  const Json platform = MemberOf(json, "platform");
  if (platform.is_object()) {
    descriptor.platform =
        absl::StrCat(TextOf(platform, "os"), "/", TextOf(platform, "architecture"));
  }
  return descriptor;
}

absl::StatusOr<OciDescriptor> WithKnownDigest(OciDescriptor descriptor) {
  if (IsOciDigest(descriptor.digest)) return descriptor;
  return BadManifest(absl::StrCat("the digest '", descriptor.digest, "' is not a sha256 digest"));
}

std::string TitlesOf(const OciManifest& manifest) {
  std::vector<std::string> titles;
  for (const OciDescriptor& layer : manifest.entries) {
    titles.push_back(layer.title.empty() ? "(one without title)"
                                         : absl::StrCat("'", layer.title, "'"));
  }
  return titles.empty() ? "none" : absl::StrJoin(titles, ", ");
}

absl::Status NoLayer(absl::StatusCode code, const std::string& reason, std::string remedy) {
  return MakeError(code, "image", "oci-layer", reason, std::move(remedy));
}

}  // namespace

const char kOciManifestTypes[] =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json";

absl::StatusOr<OciManifest> ParseOciManifest(std::string_view json,
                                             const std::string& content_type) {
  const Json document = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return BadManifest("it is no JSON object");
  std::string type = TextOf(document, "mediaType");
  if (type.empty()) type = content_type.substr(0, content_type.find_first_of("; "));
  OciManifest manifest;
  manifest.is_index = IsOneOf(type, kIndexTypes);
  if (!manifest.is_index && !IsOneOf(type, kImageTypes)) {
    return BadManifest(absl::StrCat("its media type '", type, "' is not one of an image"));
  }
  // One document must not be an image for one reader and an index for another.
  if (document.contains("manifests") && document.contains("layers")) {
    return BadManifest("it is an image and an index at once");
  }
  const Json entries = MemberOf(document, manifest.is_index ? "manifests" : "layers");
  if (!entries.is_array()) {
    return BadManifest(manifest.is_index ? "it has no list of manifests"
                                         : "it has no list of layers");
  }
  for (const Json& entry : entries) {
    TRIDENT_ASSIGN_OR_RETURN(OciDescriptor descriptor, ParseDescriptor(entry));
    manifest.entries.push_back(std::move(descriptor));
  }
  return manifest;
}

absl::StatusOr<OciDescriptor> ChoosePlatform(const OciManifest& index,
                                             const std::string& platform) {
  std::vector<std::string> others;
  for (const OciDescriptor& entry : index.entries) {
    if (entry.platform == platform) return WithKnownDigest(entry);
    others.push_back(entry.platform.empty() ? "(one without platform)" : entry.platform);
  }
  return MakeError(absl::StatusCode::kNotFound, "image", "oci-platform",
                   absl::StrCat("the index has no image for ", platform, "; it has: ",
                                others.empty() ? "none" : absl::StrJoin(others, ", ")),
                   "Push an image for this platform, or name the image's own tag or digest.");
}

absl::StatusOr<OciDescriptor> ChooseLayer(const OciManifest& manifest, const std::string& title) {
  const OciDescriptor* chosen = nullptr;
  size_t found = 0;
  for (const OciDescriptor& layer : manifest.entries) {
    if (!title.empty() && layer.title != title) continue;
    chosen = &layer;
    ++found;
  }
  if (found == 1) return WithKnownDigest(*chosen);
  if (manifest.entries.empty()) {
    return NoLayer(absl::StatusCode::kNotFound, "the image has no layers",
                   "Push the file as a layer: oras push registry/repository:tag FILE.");
  }
  if (title.empty()) {
    return NoLayer(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat("the image has ", manifest.entries.size(),
                     " layers and the URL names none; their titles: ", TitlesOf(manifest)),
        "Add #title to the URL.");
  }
  return NoLayer(found == 0 ? absl::StatusCode::kNotFound : absl::StatusCode::kInvalidArgument,
                 absl::StrCat(found == 0 ? "no layer has" : "more than one layer has",
                              " the title '", title, "'; the titles are: ", TitlesOf(manifest)),
                 "Name one of the titles behind the # of the URL.");
}

std::string OwnPlatform() {
#if defined(__x86_64__)
  return "linux/amd64";
#elif defined(__aarch64__)
  return "linux/arm64";
#elif defined(__arm__)
  return "linux/arm";
#elif defined(__riscv) && __riscv_xlen == 64
  return "linux/riscv64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  return "linux/ppc64le";
#elif defined(__s390x__)
  return "linux/s390x";
#else
#error "the OCI name of this architecture is not known"
#endif
}

}  // namespace trident
