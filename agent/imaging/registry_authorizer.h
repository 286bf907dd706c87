// Access to one repository of an OCI registry.
#ifndef TRIDENT_AGENT_IMAGING_REGISTRY_AUTHORIZER_H_
#define TRIDENT_AGENT_IMAGING_REGISTRY_AUTHORIZER_H_

#include <optional>
#include <string>
#include <utility>

#include "agent/imaging/auth_challenge.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/http_authorizer.h"
#include "common/config/oci_reference.h"

namespace trident {

// Starts without any authorization. When the registry asks for a token ("Bearer"), fetches one,
// with the credentials if there are some, else anonymously; when it asks for a password ("Basic"),
// gives the credentials. Tokens are kept in memory only.
class RegistryAuthorizer : public HttpAuthorizer {
 public:
  // `credentials`: base64 of user:password.
  RegistryAuthorizer(OciReference reference, std::optional<std::string> credentials,
                     FetchOptions options)
      : reference_(std::move(reference)),
        credentials_(std::move(credentials)),
        options_(std::move(options)) {}

  std::string authorization() const override { return authorization_; }
  absl::Status Renew(const HttpResponse& refusal, const Interruption& interruption) override;
  absl::Status Refused() const override;

 private:
  absl::Status UsePassword();
  absl::Status FetchToken(const AuthChallenge& challenge, const Interruption& interruption);

  OciReference reference_;
  std::optional<std::string> credentials_;
  FetchOptions options_;
  std::string authorization_;
};

// Where a registry is: "http://registry" when it is on this host, otherwise "https://registry".
std::string RegistryBaseUrl(const OciReference& reference);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_REGISTRY_AUTHORIZER_H_
