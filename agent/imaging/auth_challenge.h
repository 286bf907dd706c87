// What a server wants to be asked with (RFC 9110 section 11.6.1, and the token authentication of
// the OCI distribution specification).
#ifndef TRIDENT_AGENT_IMAGING_AUTH_CHALLENGE_H_
#define TRIDENT_AGENT_IMAGING_AUTH_CHALLENGE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace trident {

struct AuthChallenge {
  std::string scheme;                             // lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case

  // Empty when there is none.
  std::string Parameter(const std::string& name) const;
  bool operator==(const AuthChallenge&) const = default;
};

// `values`: of all WWW-Authenticate headers of a response. What cannot be read ends its header.
std::vector<AuthChallenge> ParseChallenges(const std::vector<std::string>& values);

// Where a "bearer" challenge sends for a token: its realm with service and scope, by default the
// scope that pulls from `repository`. INVALID_ARGUMENT without a realm that is an http or https
// URL.
absl::StatusOr<std::string> TokenUrl(const AuthChallenge& challenge, const std::string& repository);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_AUTH_CHALLENGE_H_
