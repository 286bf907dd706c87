// tridentctl: the command-line client of the agent.
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "client/command_line.h"

int main(int argc, char** argv) {
  // A reader that goes away (tridentctl jobs | head) ends the program as usual, but gRPC's sockets
  // must not: it sends with MSG_NOSIGNAL.
  trident::client::Interrupt interrupt;
  const trident::client::SignalWatch watch(interrupt);
  trident::client::Session session{.in = std::cin,
                                   .out = std::cout,
                                   .err = std::cerr,
                                   .terminal = trident::client::DetectTerminal(STDOUT_FILENO),
                                   .interrupt = interrupt,
                                   .target = {},
                                   .patience = {}};
  return trident::client::RunCommandLine(std::vector<std::string>(argv + 1, argv + argc), session);
}
