// A real server of a test's own, as a child process that listens on a port of 127.0.0.1.
#ifndef TRIDENT_TESTS_AGENT_IMAGING_SERVER_PROCESS_H_
#define TRIDENT_TESTS_AGENT_IMAGING_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace trident::test {

// A port that nobody listens on at the moment.
uint16_t FreePort();

class ServerProcess {
 public:
  // Returns when `port` can be connected to. Fails the test when the program is not there or ends.
  // `argv[0]`: its path. `output`: file for what it says.
  ServerProcess(std::vector<std::string> argv, uint16_t port, const std::string& output);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

 private:
  pid_t process_ = -1;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_SERVER_PROCESS_H_
