// What is wrong with a netplan mapping, each fault alone, found where it stands.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/base/strings.h"
#include "common/config/document.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

struct Case {
  const char* name;
  const char* network;  // below `network:`, version 2 comes first
  std::vector<std::pair<const char*, const char*>> findings;  // path below network and reason
  uint32_t line = 0;                                          // of the first finding; 0: any
};

std::vector<Finding> FindingsOf(const char* key, const std::string& network) {
  const auto parsed =
      ParseHostConfiguration(StrCat(key, ":\n  version: 2\n", StrReplace(network, "^", "  ")));
  return GetErrorDetail(parsed.status()).findings;
}

TEST_CASE("netplan mappings that are fine") {
  const char* const mappings[] = {
      "",
      "^ethernets:\n^  eth0: {dhcp4: true}\n",
      "^renderer: networkd\n^ethernets:\n^  eth0:\n",
      "^ethernets:\n^  any:\n^    match: {name: en*}\n^    dhcp4: yes\n",
      "^ethernets:\n^  a name of my own/for it:\n^    match: {macaddress: 52:54:00:12:34:56}\n"
      "^    set-name: lan0\n",
      "^ethernets:\n^  eth0:\n^    addresses: [192.0.2.5/24, '2001:db8::5/64']\n"
      "^    routes: [{to: default, via: 192.0.2.1}, {to: '2001:db8:1::/48', via: 'fe80::1'}]\n"
      "^    nameservers: {addresses: [192.0.2.1], search: [example.org]}\n",
      "^ethernets:\n^  eth0:\n^    addresses:\n^      - 192.0.2.5/24: {label: 'eth0:1'}\n",
      "^ethernets: {a: {}, b: {}}\n^bonds:\n^  bond0: {interfaces: [a, b], dhcp6: false}\n"
      "^vlans:\n^  bond0.5: {id: 5, link: bond0}\n^bridges:\n^  br0: {interfaces: [bond0.5]}\n",
      "^openvswitch: {external-ids: {a: b}}\n",
  };
  for (const char* mapping : mappings) {
    for (const char* key : {"network", "networkProvision"}) {
      INFO(mapping);
      CHECK(FindingsOf(key, mapping).empty());
    }
  }
}

TEST_CASE("netplan mappings that no netplan would take") {
  const Case cases[] = {
      {"an unknown family",
       "^ethernet: {eth0: {}}\n",
       {{"ethernet", "not a family of devices"}},
       3},
      {"a family that is a list", "^ethernets: [eth0]\n", {{"ethernets", "expected a mapping"}}, 3},
      {"an interface that is a text",
       "^ethernets:\n^  eth0: up\n",
       {{"ethernets.eth0", "expected a mapping"}},
       4},
      {"an unknown renderer", "^renderer: ifupdown\n", {{"renderer", "networkd or"}}, 3},
      {"an unknown renderer of an interface",
       "^ethernets:\n^  eth0:\n^    renderer: x\n",
       {{"ethernets.eth0.renderer", "networkd or"}},
       5},
      {"a name that is too long",
       "^ethernets:\n^  interface0123456: {}\n",
       {{"ethernets.interface0123456", "cannot be the name"}},
       4},
      {"a name with a slash", "^bridges:\n^  br/0: {}\n", {{"bridges.br/0", "cannot be the name"}}},
      {"a virtual name that match does not excuse",
       "^bridges:\n^  br/0: {match: {name: x}}\n",
       {{"bridges.br/0", "cannot be the name"}}},
      {"a new name without match",
       "^ethernets:\n^  eth0: {set-name: lan0}\n",
       {{"ethernets.eth0.set-name", "needs \"match\""}}},
      {"one name in two families",
       "^ethernets: {eth0: {}}\n^bridges: {eth0: {}}\n",
       {{"bridges.eth0", "is there twice, first at network.ethernets.eth0"}},
       4},
      {"a switch that is a text",
       "^ethernets:\n^  eth0: {dhcp4: maybe}\n",
       {{"ethernets.eth0.dhcp4", "true or false"}},
       4},
      {"an address without prefix",
       "^ethernets:\n^  eth0:\n^    addresses:\n^      - 192.0.2.1/24\n^      - 192.0.2.5\n",
       {{"ethernets.eth0.addresses[1]", "the length of its prefix, found \"192.0.2.5\""}},
       7},
      {"addresses that are none, all told",
       "^ethernets:\n^  eth0: {addresses: [192.0.2.256/24, 192.0.2.1/33, '2001:db8::/129', x, [], "
       "192.0.2.1/]}\n",
       {{"ethernets.eth0.addresses[0]", ""},
        {"ethernets.eth0.addresses[1]", ""},
        {"ethernets.eth0.addresses[2]", ""},
        {"ethernets.eth0.addresses[3]", ""},
        {"ethernets.eth0.addresses[4]", ""},
        {"ethernets.eth0.addresses[5]", ""}}},
      {"an address that is no list",
       "^ethernets:\n^  eth0: {addresses: 192.0.2.1/24}\n",
       {{"ethernets.eth0.addresses", "expected a list"}}},
      {"a gateway of the other family",
       "^ethernets:\n^  eth0: {gateway4: '2001:db8::1', gateway6: 192.0.2.1}\n",
       {{"ethernets.eth0.gateway4", "IPv4"}, {"ethernets.eth0.gateway6", "IPv6"}}},
      {"a name server with a prefix",
       "^ethernets:\n^  eth0: {nameservers: {addresses: [192.0.2.1/24]}}\n",
       {{"ethernets.eth0.nameservers.addresses[0]", "expected an IP address"}}},
      {"routes that lead nowhere",
       "^ethernets:\n^  eth0: {routes: [{via: 192.0.2.1}, {to: everywhere, via: gateway}]}\n",
       {{"ethernets.eth0.routes[0]", "needs \"to\""},
        {"ethernets.eth0.routes[1].to", "\"default\", an address or a network"},
        {"ethernets.eth0.routes[1].via", "expected an IP address"}}},
      {"a member that is not defined",
       "^bonds:\n^  bond0: {interfaces: [eth7]}\n",
       {{"bonds.bond0.interfaces[0]", "\"eth7\" is not defined"}},
       4},
      {"a member of itself",
       "^bridges:\n^  br0: {interfaces: [br0]}\n",
       {{"bridges.br0.interfaces[0]", "refers to itself"}}},
      {"a VLAN without anything",
       "^vlans:\n^  v5: {}\n",
       {{"vlans.v5", "needs \"id\""}, {"vlans.v5", "needs \"link\""}}},
      {"a VLAN with a number that there is not, on an interface that there is not",
       "^vlans:\n^  v5: {id: 4095, link: eth0}\n",
       {{"vlans.v5.id", "from 0 to 4094"}, {"vlans.v5.link", "\"eth0\" is not defined"}}},
  };
  for (const Case& c : cases) {
    for (const char* key : {"network", "networkProvision"}) {
      DYNAMIC_SECTION(c.name << " (" << key << ")") {
        const std::vector<Finding> findings = FindingsOf(key, c.network);
        std::string shown;
        for (const Finding& finding : findings) {
          StrAppend(&shown, finding.line, " ", finding.path, ": ", finding.reason, "\n");
        }
        INFO(shown);
        REQUIRE(findings.size() == c.findings.size());
        for (size_t i = 0; i < findings.size(); ++i) {
          CHECK(findings[i].path == StrCat(key, ".", c.findings[i].first));
          if (std::string_view(key) == "network") {
            CHECK(findings[i].reason.find(c.findings[i].second) != std::string::npos);
          }
          CHECK(findings[i].line > 0);
          CHECK_FALSE(findings[i].remedy.empty());
        }
        if (c.line != 0) CHECK(findings[0].line == c.line);
      }
    }
  }
}

TEST_CASE("the agent's own network, metrics and time limit are checked, too") {
  const std::pair<const char*, const char*> cases[] = {
      {"networkOverride:\n  version: 2\n  bridges: {br0: {interfaces: [x]}}\n",
       "networkOverride.bridges.br0.interfaces[0]"},
      {"metrics: {}\n", "metrics"},
      {"metrics: {listenPort: 0}\n", "metrics.listenPort"},
      {"metrics: {textfile: /var/lib/x.txt}\n", "metrics.textfile"},
      {"networkConfirmSeconds: 9\n", "networkConfirmSeconds"},
      {"networkConfirmSeconds: 3601\n", "networkConfirmSeconds"},
  };
  for (const auto& [text, path] : cases) {
    INFO(text);
    const auto findings = GetErrorDetail(ParseAgentConfiguration(text).status()).findings;
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].path == path);
  }
  REQUIRE_OK(ParseAgentConfiguration(
      "metrics: {listenPort: 9559, textfile: /var/lib/trident.prom}\nnetworkConfirmSeconds: 30\n"));
}

}  // namespace
}  // namespace trident
