// A running host with netplan, whose network is as the test says.
#ifndef TRIDENT_TESTS_AGENT_NETWORK_NETWORK_TEST_WORLD_H_
#define TRIDENT_TESTS_AGENT_NETWORK_NETWORK_TEST_WORLD_H_

#include <string>

#include "agent/host/fake/fake_clock.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_network_state.h"
#include "agent/network/netplan.h"
#include "common/base/yaml_document.h"

namespace trident::test {

inline YamlValue Yaml(const std::string& text) { return ToYamlValue(*LoadYaml(text).root); }

struct NetworkTestWorld {
  NetworkTestWorld() {
    files.SetFile(kNetplanProgram, "netplan");
    commands.OnOutput({"netplan"}, "");
    commands.OnOutput({"systemctl"}, "");
  }

  FakeFiles files;
  FakeCommandRunner commands;
  FakeNetworkState network;
  FakeClock clock;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_NETWORK_NETWORK_TEST_WORLD_H_
