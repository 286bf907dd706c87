// The document in a new root and for a provisioning OS; what netplan itself thinks of it.
#include "agent/network/netplan.h"

#include <catch2/catch.hpp>
#include <string>

#include "agent/network/provisioning.h"
#include "common/config/document.h"
#include "tests/agent/network/network_test_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using test::NetworkTestWorld;
using test::Yaml;

HostConfiguration Parsed(const std::string& text) {
  const auto parsed = ParseHostConfiguration(text);
  REQUIRE_OK(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("the document says what the Host Configuration says, and nobody else can read it") {
  NetworkTestWorld world;
  const YamlValue network =
      Yaml("{version: 2, wifis: {wlan0: {access-points: {a: {password: '0123456789'}}}}}");
  REQUIRE_OK(WriteNetplan(world.files, "/new", network));
  const std::string path = std::string("/new") + kNetplanPath;
  const auto text = world.files.Get(path);
  REQUIRE(text.has_value());
  CHECK(world.files.ModeOf(path) == 0600);
  const YamlDocument read = LoadYaml(*text);
  REQUIRE(read.findings.empty());
  CHECK(ToYamlValue(*read.root->Find("network")) == network);
}

TEST_CASE("the netplan of the new root is asked within it, and what it says is quoted") {
  NetworkTestWorld world;
  world.files.SetFile(std::string("/new") + kNetplanProgram, "netplan");
  REQUIRE_OK(CheckNetplan(world.files, world.commands, "/new"));
  REQUIRE(world.commands.commands().size() == 1);
  CHECK(world.commands.commands()[0].root == "/new");
  CHECK(world.commands.command_lines()[0] == "netplan generate");
  CommandResult refusal;
  refusal.exit_status = 1;
  refusal.error_output = "/etc/netplan/99-trident.yaml:5:7: unknown key 'speed'";
  world.commands.On({"netplan", "generate"}, refusal);
  const absl::Status status = CheckNetplan(world.files, world.commands, "/new");
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "unknown key 'speed'");
  CHECK_FALSE(GetErrorDetail(status).remedy.empty());
}

TEST_CASE("a new root without netplan is refused with what to do") {
  NetworkTestWorld world;
  const absl::Status status = CheckNetplan(world.files, world.commands, "/new");
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "has no netplan");
  CHECK_THAT(GetErrorDetail(status).remedy, Catch::Contains("netplan.io"));
  CHECK(world.commands.commands().empty());
}

TEST_CASE("the provisioning network is the override, else networkProvision, else network") {
  const YamlValue override_network = Yaml("{version: 2, renderer: networkd}");
  const HostConfiguration both =
      Parsed("network: {version: 2}\nnetworkProvision: {version: 2, ethernets: {a: {}}}\n");
  const HostConfiguration only_network = Parsed("network: {version: 2}\n");
  AgentConfiguration agent;
  CHECK_FALSE(ChooseProvisioningNetwork(agent, HostConfiguration{}).has_value());
  CHECK(ChooseProvisioningNetwork(agent, only_network) == only_network.network);
  CHECK(ChooseProvisioningNetwork(agent, both) == both.network_provision);
  agent.network_override = override_network;
  CHECK(ChooseProvisioningNetwork(agent, both) == override_network);
}

TEST_CASE("starting the provisioning network writes, applies, and waits only when asked") {
  for (const bool wait : {false, true}) {
    INFO((wait ? "waits" : "does not wait"));
    NetworkTestWorld world;
    world.files.SetFile("/etc/systemd/network/10-eth0.network", "[Match]");
    world.files.SetFile("/etc/systemd/network/10-eth0.network.d/more.conf", "[Network]");
    REQUIRE_OK(StartProvisioningNetwork(world.files, world.commands, Yaml("{version: 2}"), wait));
    CHECK(world.files.Exists(kNetplanPath));
    CHECK(world.files.Exists("/etc/systemd/network/10-eth0.network") == !wait);
    CHECK(world.files.Exists("/etc/systemd/network/10-eth0.network.d/more.conf") == !wait);
    const auto lines = world.commands.command_lines();
    CHECK(lines[0] == "netplan apply");
    CHECK(lines.size() == (wait ? 2 : 1));
    if (wait) {
      CHECK(lines[1] == "systemctl start systemd-networkd-wait-online.service --no-block");
    }
  }
}

TEST_CASE("a provisioning network that netplan does not take is an error, and so is no netplan") {
  NetworkTestWorld world;
  CommandResult refusal;
  refusal.exit_status = 78;
  world.commands.On({"netplan", "apply"}, refusal);
  REQUIRE_ERROR(StartProvisioningNetwork(world.files, world.commands, Yaml("{version: 2}"), true),
                absl::StatusCode::kFailedPrecondition, "exit status 78");
  REQUIRE_OK(world.files.Remove(kNetplanProgram));
  REQUIRE_ERROR(StartProvisioningNetwork(world.files, world.commands, Yaml("{version: 2}"), true),
                absl::StatusCode::kFailedPrecondition, "has no netplan");
}

TEST_CASE("what passes the validation passes the real netplan, too") {
  const char* const mappings[] = {
      "version: 2\n",
      "version: 2\nrenderer: networkd\nethernets: {eth0: {dhcp4: true, dhcp6: no}}\n",
      "version: 2\nethernets: {any: {match: {name: 'en*'}, dhcp4: true}}\n",
      "version: 2\nethernets:\n  eth0:\n    addresses: [192.0.2.5/24, '2001:db8::5/64']\n"
      "    routes: [{to: default, via: 192.0.2.1}, {to: '2001:db8:1::/48', via: 'fe80::1'}]\n"
      "    nameservers: {addresses: [192.0.2.1], search: [example.org]}\n",
      "version: 2\nethernets: {eth0: {addresses: [{192.0.2.5/24: {label: 'eth0:1'}}]}}\n",
      "version: 2\nethernets: {a: {}, b: {}}\nbonds: {bond0: {interfaces: [a, b]}}\n"
      "vlans: {bond0.5: {id: 5, link: bond0}}\nbridges: {br0: {interfaces: [bond0.5]}}\n",
      "version: 2\nethernets:\n  lan:\n    match: {macaddress: '52:54:00:12:34:56'}\n"
      "    set-name: lan0\n",
  };
  const auto files = MakeLinuxFiles();
  const auto commands = MakeLinuxCommandRunner();
  for (const char* mapping : mappings) {
    INFO(mapping);
    const YamlValue network = Yaml(mapping);
    std::string indented = mapping;
    for (size_t at = 0; (at = indented.find('\n', at)) + 1 < indented.size(); at += 3) {
      indented.insert(at + 1, "  ");
    }
    CHECK(Parsed("network:\n  " + indented).network == network);
    test::TemporaryDirectory folder;
    REQUIRE_OK(WriteNetplan(*files, folder.path(), network));
    Command generate;
    generate.argv = {"netplan", "generate", "--root-dir", folder.path()};
    const auto result = commands->Run(generate);
    REQUIRE_OK(result);
    INFO(result->error_output);
    CHECK(result->exit_status == 0);
    // Also not that the file were readable by others.
    CHECK(result->error_output.empty());
  }
}

}  // namespace trident
