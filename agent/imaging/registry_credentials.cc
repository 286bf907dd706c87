#include "agent/imaging/registry_credentials.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kLargestFile = 1 << 20;
constexpr char kRemedy[] =
    "Write {\"auths\": {\"registry:port\": {\"auth\": \"<base64 of user:password>\"}}}, as docker "
    "login does without a credential helper.";

absl::Status Unusable(const std::string& reason) {
  return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "registry-credentials",
                   reason, kRemedy);
}

// "https://registry:5000/v2/" -> "registry:5000". Keys for a part of a registry stay as they are
// and so match none.
std::string_view RegistryOfKey(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  if (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) key.remove_suffix(version.size());
  }
  return key;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindRegistryCredentials(std::string_view json,
                                                                   const std::string& registry) {
  const Json document = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return Unusable("the credentials for registries are no JSON object");
  const auto auths = document.find("auths");
  if (auths == document.end()) return std::nullopt;
  if (!auths->is_object()) return Unusable("\"auths\" is no JSON object");
  for (const auto& [key, entry] : auths->items()) {
    if (!absl::EqualsIgnoreCase(std::string(RegistryOfKey(key)), registry)) continue;
    const auto auth = entry.is_object() ? entry.find("auth") : entry.end();
    if (!entry.is_object() || auth == entry.end() || !auth->is_string()) {
      return Unusable(absl::StrCat("the entry of registry ", registry, " has no \"auth\""));
    }
    const std::string& text = auth->get_ref<const std::string&>();
    std::string decoded;
    if (!absl::Base64Unescape(text, &decoded) || decoded.find(':') == std::string::npos) {
      return Unusable(absl::StrCat("the \"auth\" of registry ", registry,
                                   " is not the base64 of user:password"));
    }
    return absl::Base64Escape(decoded);
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<std::string>> ReadRegistryCredentials(const Files& files,
                                                                   const std::string& path,
                                                                   const std::string& registry) {
  if (path.empty()) return std::nullopt;
  const std::string attempt = absl::StrCat("reading the credentials for registries from ", path);
  const absl::StatusOr<SecretFile> file = files.ReadSecret(path, kLargestFile);
  TRIDENT_RETURN_IF_ERROR(Annotate(file.status(), attempt));
  if (file->facts.type != FileFacts::Type::kRegular || (file->facts.mode & 0077) != 0) {
    return MakeError(absl::StatusCode::kPermissionDenied, "environment", "not-private",
                     absl::StrCat("cannot use ", path,
                                  ": it is no regular file, or others than its owner have access "
                                  "to it"),
                     absl::StrCat("chmod 600 ", path));
  }
  auto found = FindRegistryCredentials(
      std::string_view(file->content.chars(), file->content.size()), registry);
  TRIDENT_RETURN_IF_ERROR(Annotate(found.status(), attempt));
  return found;
}

}  // namespace trident
