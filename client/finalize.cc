#include "client/commands.h"
#include "client/connection.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/follower.h"
#include "client/job_line.h"
#include "client/renderer.h"

namespace trident::client {

int FinalizeCommand(const std::string& job_id, bool follow, Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  pb::HostStatusState position;
  if (follow) {
    // Before the call, so that no event of what it begins is missed.
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kQuickCall);
    const auto reader = connection.stub().GetStatus(&context, pb::GetStatusRequest());
    const bool answered = reader->Read(&position);
    const grpc::Status status = reader->Finish();
    if (!answered || !status.ok()) return Fail(session.err, status, session.target);
  }
  pb::FinalizeHostRequest request;
  request.set_job_id(job_id);
  pb::JobResponse response;
  const grpc::Status status =
      Call(connection, &pb::HostManagement::Stub::FinalizeHost, request, response, kQuickCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  if (!follow) {
    PrintJob(response, session);
    return kExitSuccess;
  }
  const auto renderer = MakeRenderer(session);
  return Follower(session, *renderer).FollowJob(response.job().id(), position);
}

}  // namespace trident::client
