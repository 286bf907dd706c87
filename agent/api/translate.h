// From the agent's types to the messages of proto/trident.proto, and to gRPC's status.
#ifndef TRIDENT_AGENT_API_TRANSLATE_H_
#define TRIDENT_AGENT_API_TRANSLATE_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "agent/jobs/event.h"
#include "agent/jobs/job_manager.h"
#include "agent/servicing/plan.h"
#include "common/base/error.h"
#include "proto/trident.pb.h"

namespace trident::api {

namespace pb = ::trident_proto;

// gRPC's trailers have room for 8 KiB in all; larger ones are lost without a word.
inline constexpr size_t kDetailsLimit = 4096;
// Findings of one message: clients receive 4 MiB at most unless told otherwise.
inline constexpr size_t kFindingsLimit = 2 << 20;

// Protobuf strings must be UTF-8, or clients in other languages refuse the whole message; messages
// may quote a tool's output or a document. Every bad byte becomes U+FFFD.
std::string CleanUtf8(std::string_view text);

// At most `limit` bytes of clean text, cut between characters, ending in "..." when cut.
std::string Shorten(std::string_view text, size_t limit);

pb::Job ToProto(const JobSummary& job);
pb::PlanHostResponse ToProto(const Plan& plan);
// Without the findings; finding_count is set.
pb::ErrorDetail ToProto(const ErrorDetail& detail);
pb::Finding ToProto(const Finding& finding);
// Appends the findings, as many as fit into kFindingsLimit bytes; a last one counts the others.
void AddFindings(const std::vector<Finding>& findings,
                 google::protobuf::RepeatedPtrField<pb::Finding>& to);

// The Host Status as it is now, without an event.
pb::HostStatusState ToProto(const Snapshot& snapshot);
// An event, with the Host Status as it is now.
pb::HostStatusState ToProto(const Event& event, const Snapshot& now);

// How a job that is in this state ended, or where it stands.
pb::Outcome OutcomeOf(const JobSummary& job);

// The same code and message, with an ErrorDetail in grpc-status-details-bin below kDetailsLimit.
grpc::Status ToGrpc(const absl::Status& status);
grpc::Status ToGrpc(absl::StatusCode code, const ErrorDetail& detail);

// The status that ends a stream about a job in a final state: OK only for succeeded.
grpc::Status FinalStatus(const JobSummary& job);

}  // namespace trident::api

#endif  // TRIDENT_AGENT_API_TRANSLATE_H_
