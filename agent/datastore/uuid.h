// Names for journals and jobs.
#ifndef TRIDENT_AGENT_DATASTORE_UUID_H_
#define TRIDENT_AGENT_DATASTORE_UUID_H_

#include <string>

#include "absl/status/statusor.h"

namespace trident {

// A random UUID (RFC 4122, version 4), lower case.
absl::StatusOr<std::string> MakeUuid();

}  // namespace trident

#endif  // TRIDENT_AGENT_DATASTORE_UUID_H_
