#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/errors.h"
#include "client/exit_codes.h"
#include "client/format.h"

namespace trident::client {

int GetCommand(Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  pb::GetHostConfigurationResponse response;
  const grpc::Status status = Call(connection, &pb::HostManagement::Stub::GetHostConfiguration,
                                   pb::GetHostConfigurationRequest(), response, kQuickCall);
  if (!status.ok()) return Fail(session.err, status, session.target);
  if (session.format == OutputFormat::kJson) {
    session.out << ToJson(response, true) << '\n';
  } else if (response.host_configuration().empty()) {
    session.err << "the host was not brought to any Host Configuration yet\n";
  } else {
    session.out << response.host_configuration();
  }
  return kExitSuccess;
}

}  // namespace trident::client
