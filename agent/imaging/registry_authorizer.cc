#include "agent/imaging/registry_authorizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/imaging/http_fetch.h"
#include "agent/imaging/image_url.h"
#include "common/base/error.h"
#include "common/config/url.h"

namespace trident {
namespace {

using Json = nlohmann::json;

constexpr size_t kLargestToken = size_t{64} * 1024;

absl::Status AccessDenied(const std::string& reason, std::string remedy) {
  return MakeError(absl::StatusCode::kPermissionDenied, "image", "registry-access", reason,
                   std::move(remedy));
}

// "token" or, for OAuth 2, "access_token". Empty: neither is there, or it could not stand in a
// header.
std::string TokenOf(std::string_view text) {
  const Json response = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!response.is_object()) return "";
  for (const char* name : {"token", "access_token"}) {
    const auto found = response.find(name);
    if (found == response.end() || !found->is_string()) continue;
    const std::string& token = found->get_ref<const std::string&>();
    const bool printable = std::all_of(token.begin(), token.end(), [](char c) {
      return absl::ascii_isgraph(static_cast<unsigned char>(c));
    });
    if (printable && !token.empty()) return token;
  }
  return "";
}

}  // namespace

std::string RegistryBaseUrl(const OciReference& reference) {
  return absl::StrCat(IsLoopbackHost(reference.host) ? "http://" : "https://", reference.registry);
}

absl::Status RegistryAuthorizer::UsePassword() {
  if (!credentials_) {
    return AccessDenied(
        absl::StrCat("registry ", reference_.registry,
                     " asks for a user name and a password, and there are none for it"),
        "Put them into the file that registryCredentials of the agent's configuration names.");
  }
  authorization_ = absl::StrCat("Basic ", *credentials_);
  return absl::OkStatus();
}

absl::Status RegistryAuthorizer::Refused() const {
  return AccessDenied(
      absl::StrCat(
          "registry ", reference_.registry, " does not accept the ",
          authorization_.starts_with("Basic ") ? "user name and password given for it"
                                               : "token that was given out for repository ",
          authorization_.starts_with("Basic ") ? "" : reference_.repository, " (HTTP 401)"),
      credentials_ ? "Check the file that registryCredentials of the agent's configuration names."
                   : "Put credentials into the file that registryCredentials of the agent's "
                     "configuration names.");
}

absl::Status RegistryAuthorizer::FetchToken(const AuthChallenge& challenge,
                                            const Interruption& interruption) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string text, TokenUrl(challenge, reference_.repository));
  TRIDENT_ASSIGN_OR_RETURN(const Url parsed, ParseUrl(text));
  // A password must not cross a network in the open, and a registry elsewhere has no business on
  // this host.
  if (parsed.scheme == "http" &&
      !(IsLoopbackHost(parsed.host) && IsLoopbackHost(reference_.host))) {
    return AccessDenied(
        absl::StrCat("registry ", reference_.registry,
                     " sends for a token to a server without TLS: ", challenge.Parameter("realm")),
        "Serve tokens over https.");
  }
  TRIDENT_ASSIGN_OR_RETURN(ImageUrl url, ParseImageUrl(text));
  HttpClient client(url, options_);
  HttpRequest request;
  if (credentials_) request.authorization = absl::StrCat("Basic ", *credentials_);
  TRIDENT_ASSIGN_OR_RETURN(const FetchedBody fetched, FetchBody(client, request, kLargestToken,
                                                                options_, nullptr, interruption));
  const long status = fetched.response.status;
  if (status == 401 || status == 403) {
    return AccessDenied(
        absl::StrCat("fetching ", url.printable, ": no token is given for repository ",
                     reference_.repository, " (HTTP ", status, ")",
                     credentials_ ? "" : ", and there are no credentials for the registry"),
        "Check the file that registryCredentials of the agent's configuration names.");
  }
  if (status != 200) {
    bool retryable = false;
    return HttpStatusError(url, status, &retryable);
  }
  const std::string token = fetched.more ? "" : TokenOf(fetched.text());
  if (token.empty()) {
    return MakeError(
        absl::StatusCode::kUnavailable, "image", "registry-access",
        absl::StrCat("fetching ", url.printable, ": the answer holds no token",
                     fetched.more ? absl::StrCat(" within ", kLargestToken, " bytes") : ""),
        "Check the token server of the registry.");
  }
  authorization_ = absl::StrCat("Bearer ", token);
  return absl::OkStatus();
}

absl::Status RegistryAuthorizer::Renew(const HttpResponse& refusal,
                                       const Interruption& interruption) {
  const std::vector<AuthChallenge> challenges = ParseChallenges(refusal.challenges);
  std::string schemes;
  for (const AuthChallenge& challenge : challenges) {
    if (challenge.scheme == "bearer") return FetchToken(challenge, interruption);
    absl::StrAppend(&schemes, schemes.empty() ? "" : ", ", challenge.scheme);
  }
  for (const AuthChallenge& challenge : challenges) {
    if (challenge.scheme == "basic") return UsePassword();
  }
  return AccessDenied(
      absl::StrCat("registry ", reference_.registry, " refuses access (HTTP 401) and asks for ",
                   schemes.empty() ? "no kind of authorization" : schemes,
                   ", where Bearer and Basic are known"),
      "Use a registry with token or password authentication.");
}

}  // namespace trident
