#include "agent/api/from_grpc.h"

#include <utility>

#include "common/base/error.h"
#include "proto/rpc_status.pb.h"
#include "proto/trident.pb.h"

namespace trident::api {

namespace pb = ::trident_proto;

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  pb::rpc::Status rich;
  if (!status.error_details().empty() && rich.ParseFromString(status.error_details())) {
    for (const auto& any : rich.details()) {
      pb::ErrorDetail from;
      if (!from.ParseFromString(any.value())) continue;
      ErrorDetail detail;
      detail.kind = from.kind();
      detail.subkind = from.subkind();
      detail.message = from.message();
      detail.causes.assign(from.causes().begin(), from.causes().end());
      detail.remedy = from.remedy();
      detail.retryable = from.retryable();
      for (const pb::Finding& finding : from.findings()) {
        detail.findings.push_back(
            {finding.path(), finding.line(), finding.column(), finding.reason(), finding.remedy()});
      }
      return MakeError(code, std::move(detail));
    }
  }
  return MakeError(code, "environment", "call-failed", status.error_message());
}

}  // namespace trident::api
