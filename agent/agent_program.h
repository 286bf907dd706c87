// The program `tridentd`: its subcommands.
#ifndef TRIDENT_AGENT_AGENT_PROGRAM_H_
#define TRIDENT_AGENT_AGENT_PROGRAM_H_

#include <span>

#include "agent/datastore/schema.h"

namespace trident {

// Exit codes, as in the specification: 0 success; 1 (logging could not be set up) never happens,
// since the log goes to stderr; 2 anything else failed, arguments included. `migrations` is the
// store schema that this agent brings.
int RunAgentProgram(int argc, char** argv, std::span<const Migration> migrations);

}  // namespace trident

#endif  // TRIDENT_AGENT_AGENT_PROGRAM_H_
