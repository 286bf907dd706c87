// The command line of tridentctl.
#ifndef TRIDENT_CLIENT_COMMAND_LINE_H_
#define TRIDENT_CLIENT_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "client/session.h"

namespace trident::client {

// Parses (arguments without the program's name) and runs. Returns the exit code; never throws.
int RunCommandLine(const std::vector<std::string>& arguments, Session& session);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_COMMAND_LINE_H_
