#include "tests/agent/imaging/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "tests/support/loopback.h"

namespace trident::test {

uint16_t FreePort() {
  uint16_t port = 0;
  const Socket freed_again = Listen(&port);
  return port;
}

ServerProcess::ServerProcess(std::vector<std::string> argv, uint16_t port,
                             const std::string& output) {
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int result =
      posix_spawn(&process_, argv[0].c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  INFO(argv[0] << " (scripts/install_packages.sh build installs it)");
  REQUIRE(result == 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!Connect(port).valid()) {
    int status = 0;
    REQUIRE(waitpid(process_, &status, WNOHANG) == 0);
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

ServerProcess::~ServerProcess() {
  kill(process_, SIGTERM);
  int status = 0;
  waitpid(process_, &status, 0);
}

}  // namespace trident::test
