// What went wrong, for people, and what it means for the exit status.
#ifndef TRIDENT_CLIENT_ERRORS_H_
#define TRIDENT_CLIENT_ERRORS_H_

#include <google/protobuf/repeated_ptr_field.h>
#include <grpcpp/support/status.h>

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/error.h"
#include "proto/trident.pb.h"

namespace trident::client {

namespace pb = ::trident_proto;

// The agent's explanation that a status carries. False: none, so that the status was made by gRPC
// itself, on either side.
bool ReadDetail(const grpc::Status& status, pb::ErrorDetail& detail);

// The connection broke, or the agent is on its way out; the call says nothing about a job.
bool IsConnectionLoss(const grpc::Status& status);

int ExitCodeOf(const grpc::Status& status);
// Of Outcome.result.
int ExitCodeOfResult(const std::string& result);

// "error: message", its causes and what to do. Not the findings.
void PrintError(std::ostream& err, const pb::ErrorDetail& detail);
// For a mistake that the client itself found.
void PrintError(std::ostream& err, const absl::Status& status);

// "hc.yaml:3:5: storage.disks[0].size: reason (remedy)", one per line.
void PrintFindings(std::ostream& err, const std::string& file,
                   const google::protobuf::RepeatedPtrField<pb::Finding>& findings);
// The same for findings that the client made.
void PrintFindings(std::ostream& err, const std::string& file,
                   const std::vector<Finding>& findings);

// All about a failed call that was not about a document. Returns its exit code.
int Fail(std::ostream& err, const grpc::Status& status, const std::string& target);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_ERRORS_H_
