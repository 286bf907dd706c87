// The agent of a later version, as far as two agents over one store are concerned: it brings one
// more migration. End-to-end tests put it into the image that an older agent installs.

#include <vector>

#include "agent/agent_program.h"

int main(int argc, char** argv) {
  const auto builtin = trident::BuiltinMigrations();
  std::vector<trident::Migration> migrations(builtin.begin(), builtin.end());
  migrations.push_back({.version = builtin.back().version + 1,
                        .sql = "ALTER TABLE jobs ADD COLUMN next_agent_note TEXT;"
                               "CREATE TABLE next_agent (id INTEGER PRIMARY KEY);",
                        .additive = true});
  return trident::RunAgentProgram(argc, argv, migrations);
}
