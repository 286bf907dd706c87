#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/document_file.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/follower.h"
#include "client/renderer.h"

namespace trident::client {
namespace {

// Submits and leaves as soon as the agent has taken the job, or refused it.
int Submit(const pb::HostUpdateRequest& request, const std::string& file, Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  grpc::ClientContext context;
  const auto reader = connection.stub().UpdateHost(&context, request);
  pb::HostStatusState message;
  if (!reader->Read(&message)) return Fail(session.err, reader->Finish(), session.target);
  const auto renderer = MakeRenderer(session);
  renderer->Show(message);
  if (!message.has_outcome()) {
    // The job is the agent's now; going away does not cancel it.
    context.TryCancel();
    return kExitSuccess;
  }
  renderer->End(message.outcome());
  const int code = ExitCodeOfResult(message.outcome().result());
  if (code == kExitSuccess) return code;
  PrintFindings(session.err, file, message.outcome().findings());
  PrintError(session.err, message.outcome().error());
  return code;
}

}  // namespace

int UpdateCommand(const UpdateOptions& options, Session& session) {
  const auto document = ReadDocument(options.file, session.in);
  if (!document.ok()) {
    PrintError(session.err, document.status());
    return kExitUsage;
  }
  pb::HostUpdateRequest request;
  request.set_host_configuration(*document);
  request.set_allowed_operations(options.allowed_operations);
  request.set_plan_digest(options.plan_digest);
  request.set_force(options.force);
  const std::string name = options.file == "-" ? "<stdin>" : options.file;
  if (!options.wait) return Submit(request, name, session);
  const auto renderer = MakeRenderer(session);
  return Follower(session, *renderer).Update(request, name);
}

}  // namespace trident::client
