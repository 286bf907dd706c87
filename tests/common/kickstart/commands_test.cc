// What becomes of single commands. How they are refused: broken/.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/base/yaml_document.h"
#include "common/base/yaml_writer.h"
#include "tests/common/kickstart/kickstart_fixture.h"

namespace trident::kickstart::test {
namespace {

HostConfiguration Good(const std::string& text, const Options& options = {}) {
  Translation translation = TranslateText(text, options);
  INFO(text);
  INFO(Show(translation.problems));
  REQUIRE(translation.configuration);
  return *std::move(translation.configuration);
}

// The text of `network` of the document.
std::string NetworkOf(const std::string& text) {
  const HostConfiguration configuration = Good(text);
  REQUIRE(configuration.network);
  return WriteYaml(FromYamlValue(*configuration.network));
}

std::string ProvisionOf(const std::string& text) {
  return WriteYaml(FromYamlValue(*Good(text).network_provision));
}

TEST_CASE("the type of a partition follows from where it is mounted") {
  struct Case {
    const char* mount;
    PartitionType type;
    const char* filesystem;
  };
  const Case cases[] = {
      {"/", PartitionType::kRoot, "ext4"},
      {"/boot/efi", PartitionType::kEsp, "vfat"},
      {"/boot/efi/", PartitionType::kEsp, "vfat"},
      {"/var", PartitionType::kVar, "ext4"},
      {"/home", PartitionType::kHome, "ext4"},
      {"/usr", PartitionType::kUsr, "ext4"},
      {"/tmp", PartitionType::kTmp, "ext4"},
      {"swap", PartitionType::kSwap, "swap"},
      {"/srv", PartitionType::kLinuxGeneric, "ext4"},
  };
  for (const Case& c : cases) {
    INFO(c.mount);
    const Storage storage = Good(StrCat("part ", c.mount, " --size=3\n")).storage;
    REQUIRE(storage.disks.size() == 1);
    CHECK(storage.disks[0].device == "/dev/sda");
    CHECK(storage.disks[0].partitions[0] ==
          Partition{.id = "disk-0-0", .type = c.type, .size = {.bytes = 3 << 20}});
    CHECK(storage.mount_points[0].filesystem == c.filesystem);
    CHECK(storage.mount_points[0].target_id == "disk-0-0");
  }
}

TEST_CASE("disks are numbered in the order in which they are first named") {
  const Storage storage = Good(
                              "part /a --size=1 --ondisk=sdz\n"
                              "part /b --size=1 --ondisk=disk/by-id/x\n"
                              "part / --grow --ondrive=/dev/sdz\n")
                              .storage;
  REQUIRE(storage.disks.size() == 2);
  CHECK(storage.disks[0].device == "/dev/sdz");
  CHECK(storage.disks[1].device == "/dev/disk/by-id/x");
  CHECK(storage.disks[0].partitions[1].id == "disk-0-1");
  CHECK(storage.disks[0].partitions[1].size.grow);
}

TEST_CASE("of two partitions for one place the later one counts, with a warning") {
  const Translation translation =
      TranslateText("part / --size=1\npart swap --size=1\npart swap --size=2\npart / --size=4\n");
  REQUIRE(translation.configuration);
  CHECK(Show(translation.problems) ==
        "SemanticWarning <kickstart>:4: warning: the partition for / replaces that of "
        "<kickstart>:1\n");
  const auto& partitions = translation.configuration->storage.disks.at(0).partitions;
  REQUIRE(partitions.size() == 3);
  CHECK(partitions[2].size.bytes == 4 << 20);
}

TEST_CASE("a kickstart without a root file system is translated, with a warning") {
  const Translation translation = TranslateText("part /data --size=1\n");
  REQUIRE(translation.configuration);
  CHECK_THAT(Show(translation.problems),
             Catch::Contains("SemanticWarning <kickstart>: warning: the Host Configuration is not "
                             "complete: storage.mountPoints: there are disks, but nothing is "
                             "mounted at \"/\""));
}

TEST_CASE("passwords are translated only where dangerous options are allowed") {
  const char kText[] =
      "rootpw --iscrypted '$6$salt$hash'\n"
      "user --name=a --password='it is #1' --groups=b\n"
      "user --name=c --password=x --plaintext\n"
      "user --name=d\n";
  const Translation refused = TranslateText(kText);
  CHECK_FALSE(refused.configuration);
  REQUIRE(refused.problems.size() == 3);
  for (const Problem& problem : refused.problems) {
    CHECK(problem.kind == ProblemKind::kDisallowedCommand);
  }
  Options options;
  options.dangerous_passwords = true;
  const auto users = Good(kText, options).osconfig.users;
  REQUIRE(users.size() == 4);
  CHECK(users[0].name == "root");
  CHECK(users[0].password == Password{PasswordMode::kDangerousHashed, "$6$salt$hash"});
  CHECK(users[1].password == Password{PasswordMode::kDangerousPlainText, "it is #1"});
  CHECK(users[1].groups == std::vector<std::string>{"b"});
  CHECK(users[2].password.mode == PasswordMode::kDangerousPlainText);
  CHECK(users[3].password == Password{});
}

TEST_CASE("no report has a password") {
  const char* const lines[] = {
      "rootpw hunter2",
      "rootpw --bogus hunter2",
      "rootpw -hunter2",
      "rootpw 'hunter2",
      "rootpw a hunter2",
      "rootpw --iscrypted hunter2:x",
      "rootpw --lock=hunter2",
      "rootpw --lock hunter2",
      "user --name=a --password=hunter2 --bogus",
      "user --name=a --password hunter2 --password hunter2",
      "user --name=a --passwd=hunter2",
      "user --name=a hunter2",
      "user --uid=x --name=a --password=hunter2",
      "user --name=a --password='hunter2",
      "bootloader --location=mbr --password=hunter2",
      "part / --size=1 --passphrase=hunter2",
      "sshpw --username=a hunter2",
      "network --device=a --wpakey hunter2",
  };
  for (const char* line : lines) {
    for (const bool allowed : {false, true}) {
      Options options;
      options.dangerous_passwords = allowed;
      const Translation translation = TranslateText(StrCat(line, "\nbogus\n"), options);
      INFO(line);
      CHECK_THAT(Show(translation.problems), !Catch::Contains("hunter2"));
      CHECK_THAT(ProblemsToJson(translation.problems), !Catch::Contains("hunter2"));
    }
  }
}

TEST_CASE("a user is what the kickstart says, or refused") {
  const Translation translation = TranslateText(
      "user --name=a --homedir=/home/a --shell=/bin/bash --gecos='A B'\n"
      "user --name=a --lock --password=x --homedir=/home/\n");
  REQUIRE(translation.configuration);
  CHECK(Show(translation.problems) ==
        "SemanticWarning <kickstart>:1: warning: user: --gecos has no effect: a Host Configuration "
        "has no comments on users\n"
        "SemanticWarning <kickstart>:2: warning: user: --password has no effect beside --lock: no "
        "password is accepted\n"
        "SemanticWarning <kickstart>:2: warning: the user a replaces that of <kickstart>:1\n");
  REQUIRE(translation.configuration->osconfig.users.size() == 1);
  CHECK(translation.configuration->osconfig.users[0].password == Password{});
}

TEST_CASE("keys let a user in") {
  const auto users =
      Good(
          "sshkey --username=a 'ssh-ed25519 "
          "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB x'\nuser --name=a\n"
          "rootpw --lock\nsshkey --username=root 'ssh-ed25519 "
          "AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC'\n")
          .osconfig.users;
  REQUIRE(users.size() == 2);
  CHECK(users[0].name == "root");
  CHECK(users[0].ssh_mode == SshMode::kKeyOnly);
  CHECK(users[1].ssh_keys ==
        std::vector<std::string>{
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB x"});
}

TEST_CASE("an interface is described in the words of netplan") {
  struct Case {
    const char* options;
    const char* settings;
  };
  const Case cases[] = {
      {"", "    dhcp4: true\n"},
      {"--noipv6", "    link-local: []\n    dhcp4: true\n"},
      {"--noipv4", "    dhcp4: false\n"},
      {"--ipv6=auto", "    dhcp4: true\n"},
      {"--ipv6=dhcp", "    dhcp4: true\n    dhcp6: true\n"},
      {"--noipv4 --ipv6=2001:db8::7",
       "    link-local: []\n    dhcp4: false\n    addresses:\n      - 2001:db8::7/64\n"},
      {"--bootproto=static --ip=192.0.2.7 --netmask=255.255.254.0 --ipv6=2001:db8::7/56",
       "    link-local: []\n    dhcp4: false\n    addresses:\n      - 192.0.2.7/23\n"
       "      - 2001:db8::7/56\n"},
      {"--bootproto=static --ip=192.0.2.7 --netmask=0.0.0.0 --gateway=192.0.2.1",
       "    dhcp4: false\n    addresses:\n      - 192.0.2.7/0\n    gateway4: '192.0.2.1'\n"},
      {"--bootproto=static --ip=192.0.2.7 --netmask=255.255.255.255",
       "    dhcp4: false\n    addresses:\n      - 192.0.2.7/32\n"},
      {"--ipv6gateway=fe80::1 --mtu=9000",
       "    dhcp4: true\n    mtu: 9000\n    gateway6: fe80::1\n"},
      {"--nodns",
       "    dhcp4: true\n    dhcp4-overrides:\n      use-dns: false\n    dhcp6-overrides:\n"
       "      use-dns: false\n"},
      {"--ipv6-ignore-auto-dns", "    dhcp4: true\n    dhcp6-overrides:\n      use-dns: false\n"},
      {"--nameserver=192.0.2.53 --nameserver=2001:db8::53 --ipv4-dns-search=a.example",
       "    dhcp4: true\n    nameservers:\n      search:\n        - a.example\n      addresses:\n"
       "        - '192.0.2.53'\n        - '2001:db8::53'\n"},
  };
  for (const Case& c : cases) {
    CHECK(NetworkOf(StrCat("network --device=eth0 ", c.options, "\n")) ==
          StrCat("version: 2\nethernets:\n  eth0:\n", c.settings));
  }
}

TEST_CASE("options of a bond and of a bridge become parameters") {
  struct Case {
    const char* option;
    const char* parameter;
  };
  const Case bond[] = {
      {"mode=0", "mode: balance-rr"},
      {"mode=802.3ad", "mode: '802.3ad'"},
      {"mode=6", "mode: balance-alb"},
      {"ad_select=count", "ad-select: count"},
      {"ad_select=1", "ad-select: bandwidth"},
      {"all_slaves_active=dropped", "all-slaves-active: false"},
      {"all_slaves_active=1", "all-slaves-active: true"},
      {"arp_all_targets=all", "arp-all-targets: all"},
      {"arp_interval=4294967295", "arp-interval: 4294967295"},
      {"arp_validate=3", "arp-validate: all"},
      {"downdelay=200", "down-delay: 200"},
      {"fail_over_mac=2", "fail-over-mac-policy: follow"},
      {"lacp_rate=1", "lacp-rate: fast"},
      {"lp_interval=1", "learn-packet-interval: 1"},
      {"miimon=100", "mii-monitor-interval: 100"},
      {"min_links=65535", "min-links: 65535"},
      {"num_grat_arp=255", "gratuitous-arp: 255"},
      {"packets_per_slave=1", "packets-per-slave: 1"},
      {"primary=eth1", "primary: eth1"},
      {"primary_reselect=better", "primary-reselect-policy: better"},
      {"resend_igmp=1", "resend-igmp: 1"},
      {"updelay=1", "up-delay: 1"},
      {"xmit_hash_policy=layer2+3", "transmit-hash-policy: layer2+3"},
      {"xmit_hash_policy=1", "transmit-hash-policy: layer3+4"},
  };
  for (const Case& c : bond) {
    CHECK_THAT(
        NetworkOf(StrCat("network --device=bond0 --bondslaves=eth1,eth2 --bondopts=", c.option)),
        Catch::Contains(StrCat("    interfaces:\n      - eth1\n      - eth2\n"
                               "    parameters:\n      ",
                               c.parameter, "\n")));
  }
  const Case bridge[] = {
      {"stp=yes", "stp: true"},    {"stp=on", "stp: true"},           {"stp=1", "stp: true"},
      {"stp=true", "stp: true"},   {"stp=no", "stp: false"},          {"stp=off", "stp: false"},
      {"stp=0", "stp: false"},     {"stp=F", "stp: false"},           {"priority=1", "priority: 1"},
      {"max-age=3", "max-age: 3"}, {"hello-time=2", "hello-time: 2"},
  };
  for (const Case& c : bridge) {
    CHECK_THAT(
        NetworkOf(StrCat("network --device=br0 --bridgeslaves=eth1 --bridgeopts=", c.option)),
        Catch::Contains(StrCat("    parameters:\n      ", c.parameter, "\n")));
  }
  CHECK_THAT(TranslateText("network --device=b --bondslaves=e --bondopts=min_links=65536")
                 .problems.at(0)
                 .message,
             Catch::Contains("min_links=65536: expected a number from 0 to 65535"));
}

TEST_CASE("while installing, what is activated is configured, and what it stands on") {
  const char kText[] =
      "network --device=eth0 --no-activate\n"
      "network --device=eth1\n"
      "network --device=bond0 --bondslaves=eth2,eth3\n"
      "network --device=bond0 --vlanid=7 --activate\n";
  CHECK(ProvisionOf(kText) ==
        "version: 2\nethernets:\n  eth2: {}\n  eth3: {}\nbonds:\n  bond0:\n    interfaces:\n"
        "      - eth2\n      - eth3\n    dhcp4: true\nvlans:\n  bond0.7:\n    id: 7\n"
        "    link: bond0\n    dhcp4: true\n");
  CHECK_THAT(NetworkOf(kText), Catch::Contains("  eth0:\n    dhcp4: true\n  eth1:\n"));
  CHECK(ProvisionOf("network --device=eth0 --no-activate\n") == "version: 2\n");
}

TEST_CASE("the same interface twice: the later one counts, and stays the first") {
  const Translation translation = TranslateText(
      "network --device=eth0\nnetwork --device=eth1\nnetwork --device=eth0 --noipv6\n");
  REQUIRE(translation.configuration);
  CHECK(Show(translation.problems) ==
        "SemanticWarning <kickstart>:3: warning: the network of eth0 replaces that of "
        "<kickstart>:1\n");
  CHECK(WriteYaml(FromYamlValue(*translation.configuration->network_provision)) ==
        "version: 2\nethernets:\n  eth0:\n    link-local: []\n    dhcp4: true\n");
}

TEST_CASE("an image of a whole system needs images of partitions beside it") {
  CHECK(TranslateText("liveimg --url=http://192.0.2.10/x\n").problems.at(0).kind ==
        ProblemKind::kTranslationError);
  const Translation translation = TranslateText(
      "liveimg --url=http://192.0.2.10/x\npart / --grow --image=http://192.0.2.10/root.zst\n");
  CHECK(translation.configuration);
  CHECK(translation.problems.at(0).kind == ProblemKind::kSemanticWarning);
}

}  // namespace
}  // namespace trident::kickstart::test
