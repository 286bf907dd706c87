// What every command gets: where to talk to, and where to write to.
#ifndef TRIDENT_CLIENT_SESSION_H_
#define TRIDENT_CLIENT_SESSION_H_

#include <chrono>
#include <iosfwd>
#include <string>

#include "client/interrupt.h"
#include "client/terminal.h"

namespace trident::client {

enum class OutputFormat { kText, kYaml, kJson };

// How patient the client is with a host that is away.
struct Patience {
  std::chrono::milliseconds first_pause{500};  // between attempts to connect; doubled up to
  std::chrono::milliseconds longest_pause{5000};
  std::chrono::milliseconds reboot_timeout{std::chrono::minutes(15)};
};

// References stay valid while a command runs.
struct Session {
  std::istream& in;
  std::ostream& out;  // results
  std::ostream& err;  // errors, and notes for people in formats for programs
  Terminal terminal;  // of `out`
  Interrupt& interrupt;
  std::string target;  // gRPC's name of the agent: unix:/run/trident/trident.sock
  OutputFormat format = OutputFormat::kText;
  // How long an agent may take to be reachable before the first call is made.
  std::chrono::milliseconds wait{0};
  Patience patience;
};

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_SESSION_H_
