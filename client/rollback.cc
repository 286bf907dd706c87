#include "client/commands.h"
#include "client/connection.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/job_line.h"

namespace trident::client {

int RollbackCommand(const std::string& job_id, Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  pb::RollbackHostRequest request;
  request.set_job_id(job_id);
  pb::JobResponse response;
  const grpc::Status status =
      Call(connection, &pb::HostManagement::Stub::RollbackHost, request, response, kQuickCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  PrintJob(response, session);
  return kExitSuccess;
}

}  // namespace trident::client
