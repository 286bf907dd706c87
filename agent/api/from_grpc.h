// The way back: what a call to an agent gave, as the agent's own kind of error.
#ifndef TRIDENT_AGENT_API_FROM_GRPC_H_
#define TRIDENT_AGENT_API_FROM_GRPC_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace trident::api {

// The inverse of ToGrpc (translate.h). Without an ErrorDetail in it: kind "environment".
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace trident::api

#endif  // TRIDENT_AGENT_API_FROM_GRPC_H_
