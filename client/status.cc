#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/follower.h"
#include "client/format.h"
#include "client/renderer.h"

namespace trident::client {

int StatusCommand(bool follow, Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  if (follow) {
    const auto renderer = MakeRenderer(session);
    return Follower(session, *renderer).FollowHost();
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kQuickCall);
  const auto reader = connection.stub().GetStatus(&context, pb::GetStatusRequest());
  pb::HostStatusState message;
  const bool answered = reader->Read(&message);
  const grpc::Status status = reader->Finish();
  if (!answered || !status.ok()) return Fail(session.err, status, session.target);
  if (session.format == OutputFormat::kJson) {
    session.out << ToJson(message, true) << '\n';
    return kExitSuccess;
  }
  // Text is YAML too: what is said about the job is a comment there.
  if (session.format == OutputFormat::kText && message.has_job()) {
    const pb::Job& job = message.job();
    const std::string work = DescribeWork(job.servicing_kind(), job.target_volume());
    session.out << "# job " << Printable(job.id()) << ": " << StateName(job.state());
    if (!work.empty()) session.out << " (" << Printable(work) << ")";
    if (!job.reason().empty()) session.out << ": " << Printable(job.reason());
    session.out << '\n';
  }
  session.out << message.status();
  if (!message.status().ends_with('\n')) session.out << '\n';
  return kExitSuccess;
}

}  // namespace trident::client
