#include "client/errors.h"

#include <algorithm>
#include <ostream>

#include "client/exit_codes.h"
#include "client/format.h"
#include "proto/rpc_status.pb.h"

namespace trident::client {
namespace {

std::string Line(const std::string& file, uint32_t line, uint32_t column, const std::string& path,
                 const std::string& reason, const std::string& remedy) {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line);
  if (line > 0 && column > 0) text += ":" + std::to_string(column);
  text += ": ";
  if (!path.empty()) text += Printable(path) + ": ";
  text += Printable(reason);
  if (!remedy.empty()) text += " (" + Printable(remedy) + ")";
  return text + "\n";
}

}  // namespace

bool ReadDetail(const grpc::Status& status, pb::ErrorDetail& detail) {
  pb::rpc::Status rich;
  if (status.error_details().empty() || !rich.ParseFromString(status.error_details())) return false;
  for (const auto& any : rich.details()) {
    if (any.type_url() == "type.googleapis.com/trident.ErrorDetail" &&
        detail.ParseFromString(any.value())) {
      return true;
    }
  }
  return false;
}

bool IsConnectionLoss(const grpc::Status& status) {
  pb::ErrorDetail detail;
  if (ReadDetail(status, detail)) return detail.subkind() == "agent-stopping";
  // CANCELLED by a server whose time to shut down was over; UNKNOWN and INTERNAL by gRPC when a
  // stream was reset in its middle.
  return status.error_code() == grpc::UNAVAILABLE || status.error_code() == grpc::CANCELLED ||
         status.error_code() == grpc::UNKNOWN || status.error_code() == grpc::INTERNAL;
}

int ExitCodeOf(const grpc::Status& status) {
  if (status.ok()) return kExitSuccess;
  pb::ErrorDetail detail;
  if (ReadDetail(status, detail)) {
    if (detail.subkind() == "agent-stopping") return kExitUnreachable;
    return status.error_code() == grpc::ABORTED ? kExitRolledBack : kExitRefused;
  }
  switch (status.error_code()) {
    case grpc::UNAVAILABLE:
    case grpc::DEADLINE_EXCEEDED:
    case grpc::CANCELLED:
      return kExitUnreachable;
    default:
      return kExitRefused;
  }
}

int ExitCodeOfResult(const std::string& result) {
  static constexpr const char* kGood[] = {"ok", "succeeded", "staged", "rebooting"};
  if (std::any_of(std::begin(kGood), std::end(kGood),
                  [&](const char* word) { return result == word; })) {
    return kExitSuccess;
  }
  return result == "rolled-back" ? kExitRolledBack : kExitRefused;
}

void PrintError(std::ostream& err, const pb::ErrorDetail& detail) {
  err << "error: " << Printable(detail.message()) << '\n';
  for (const std::string& cause : detail.causes()) err << "  cause: " << Printable(cause) << '\n';
  if (!detail.remedy().empty()) err << "  remedy: " << Printable(detail.remedy()) << '\n';
}

void PrintError(std::ostream& err, const absl::Status& status) {
  const ErrorDetail detail = GetErrorDetail(status);
  err << "error: " << Printable(detail.message) << '\n';
  if (!detail.remedy.empty()) err << "  remedy: " << Printable(detail.remedy) << '\n';
}

void PrintFindings(std::ostream& err, const std::string& file,
                   const google::protobuf::RepeatedPtrField<pb::Finding>& findings) {
  for (const pb::Finding& finding : findings) {
    err << Line(file, finding.line(), finding.column(), finding.path(), finding.reason(),
                finding.remedy());
  }
}

void PrintFindings(std::ostream& err, const std::string& file,
                   const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    err << Line(file, finding.line, finding.column, finding.path, finding.reason, finding.remedy);
  }
}

int Fail(std::ostream& err, const grpc::Status& status, const std::string& target) {
  pb::ErrorDetail detail;
  if (!ReadDetail(status, detail)) {
    detail.set_message(status.error_message());
    if (ExitCodeOf(status) == kExitUnreachable) {
      detail.set_message("no agent answers at " + target + ": " + status.error_message());
      detail.set_remedy(
          "Is tridentd running there (systemctl status trident), and may you connect (only root "
          "and the agent's own user may)? --server names another place.");
    } else if (status.error_code() == grpc::RESOURCE_EXHAUSTED) {
      detail.set_remedy("A request may have 4 MiB at most.");
    }
  }
  PrintError(err, detail);
  return ExitCodeOf(status);
}

}  // namespace trident::client
