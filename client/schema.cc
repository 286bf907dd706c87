#include <ostream>

#include "client/commands.h"
#include "client/exit_codes.h"
#include "common/config/document.h"

namespace trident::client {

int SchemaCommand(bool markdown, Session& session) {
  const std::string schema = markdown ? HostConfigurationMarkdown() : HostConfigurationJsonSchema();
  session.out << schema;
  if (!schema.ends_with('\n')) session.out << '\n';
  return kExitSuccess;
}

}  // namespace trident::client
