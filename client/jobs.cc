#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/format.h"

namespace trident::client {

int JobsCommand(uint32_t limit, Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  pb::ListJobsRequest request;
  request.set_limit(limit);
  pb::ListJobsResponse response;
  const grpc::Status status =
      Call(connection, &pb::HostManagement::Stub::ListJobs, request, response, kQuickCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  switch (session.format) {
    case OutputFormat::kJson:
      session.out << ToJson(response, true) << '\n';
      return kExitSuccess;
    case OutputFormat::kYaml:
      session.out << ToYaml(response);
      return kExitSuccess;
    case OutputFormat::kText:
      break;
  }
  if (response.jobs().empty()) {
    session.out << "no jobs\n";
    return kExitSuccess;
  }
  std::vector<std::vector<std::string>> rows = {
      {"ID", "STATE", "KIND", "VOLUME", "CREATED", "REASON"}};
  for (const pb::Job& job : response.jobs()) {
    rows.push_back({Printable(job.id()), StateName(job.state()),
                    job.servicing_kind().empty() ? "-" : Printable(job.servicing_kind()),
                    job.target_volume().empty() ? "-" : Printable(job.target_volume()),
                    FormatTime(job.created()), Printable(job.reason())});
  }
  session.out << FormatTable(rows);
  return kExitSuccess;
}

}  // namespace trident::client
