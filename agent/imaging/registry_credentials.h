// Credentials for OCI registries, in the format of Docker's config.json.
#ifndef TRIDENT_AGENT_IMAGING_REGISTRY_CREDENTIALS_H_
#define TRIDENT_AGENT_IMAGING_REGISTRY_CREDENTIALS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/host/files.h"

namespace trident {

// {"auths": {"registry[:port]": {"auth": "<base64 of user:password>"}}}: the "auth" of `registry`.
// The key may have a scheme in front and /, /v1/ or /v2/ behind it, as some tools write it. No
// value: none for this registry. INVALID_ARGUMENT: not such a file; the message quotes nothing of
// it.
absl::StatusOr<std::optional<std::string>> FindRegistryCredentials(std::string_view json,
                                                                   const std::string& registry);

// The same from the file `path`, which only its owner may read; no value when `path` is empty.
absl::StatusOr<std::optional<std::string>> ReadRegistryCredentials(const Files& files,
                                                                   const std::string& path,
                                                                   const std::string& registry);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_REGISTRY_CREDENTIALS_H_
