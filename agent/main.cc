#include "agent/agent_program.h"

int main(int argc, char** argv) {
  return trident::RunAgentProgram(argc, argv, trident::BuiltinMigrations());
}
