#include "common/base/version.h"

#include <ostream>

#include "client/commands.h"
#include "client/connection.h"
#include "client/exit_codes.h"
#include "client/format.h"

namespace trident::client {

int VersionCommand(Session& session) {
  Connection connection(session.target);
  connection.Await(session.wait);
  pb::GetVersionResponse response;
  const grpc::Status status = Call(connection, &pb::HostManagement::Stub::GetVersion,
                                   pb::GetVersionRequest(), response, std::chrono::seconds(10));
  switch (session.format) {
    case OutputFormat::kText:
      session.out << "tridentctl " << TRIDENT_VERSION << '\n';
      if (status.ok()) {
        session.out << "tridentd " << Printable(response.version()) << " (store schema "
                    << response.store_schema_oldest() << " to " << response.store_schema_newest()
                    << ")\n";
      }
      break;
    case OutputFormat::kYaml:
      session.out << "client: " << TRIDENT_VERSION << '\n';
      if (status.ok()) session.out << "server: " << Printable(response.version()) << '\n';
      break;
    case OutputFormat::kJson:
      session.out << "{\"client\":\"" << TRIDENT_VERSION << '"';
      if (status.ok()) session.out << ",\"server\":" << ToJson(response, true);
      session.out << "}\n";
      break;
  }
  // The client's own version is an answer, too.
  if (!status.ok()) {
    session.err << "no agent answers at " << session.target << ": "
                << Printable(status.error_message()) << '\n';
  }
  return kExitSuccess;
}

}  // namespace trident::client
