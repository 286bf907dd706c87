// The rules between the parts of a document: each broken alone in a document that is valid else.
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/config/document.h"
#include "tests/common/config/rule_cases.h"
#include "tests/common/config/sample.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::SampleWith;

using test::Changed;
using Changes = test::Changes;

void CheckCases(const std::vector<test::RuleCase>& cases) {
  test::CheckRules(test::kSample, cases);
}

constexpr char kEncrypted[] = "storage.encryption.volumes[0].targetId";
constexpr char kVolume[] = "{id: vault-clear, deviceName: vault, targetId: vault}";
constexpr char kPair[] = "{id: root, volumeAId: rootA, volumeBId: rootB}";
constexpr char kArray[] =
    "{id: mirror, name: mirror, level: raid1, metadataVersion: '1.0', devices: [md0a, md0b]}";

TEST_CASE("changes that are allowed") {
  const Changes allowed[] = {
      {},
      // The native engine takes raw-lzma anywhere.
      {{"format: raw-zstd", "format: raw-lzma"}},
      {{"format: raw-zstd", "format: raw"}, {"format: raw-lzma", "format: raw-gzip"}},
      {{"sha256: ignored", "sha256: manifest"}},
      {{"file:///images/esp.raw.zst", "oci://registry.example:5000/os/esp:1#esp.raw"}},
      {{"path: none", "path: swap"}},
      // Adopted partitions have ids like any other.
      {{"targetId: rest}", "targetId: oldlogs}"}},
      {{"options: []", "options: [noauto]"}, {"{path: /home,", "{path: /home/,"}},
      {{"id: md0b,     type: linux-generic", "id: md0b,     type: home"}},
      {{kArray,
        "{id: mirror, name: mirror, level: raid0, metadataVersion: 1.2, devices: [md0a, "
        "md0b]}"}},
      // Without the agent on the installed system nobody asks where its database is.
      {{"datastorePath: /var/lib/trident/state.sqlite", "disable: true\n  datastorePath: /x"}},
  };
  for (const Changes& changes : allowed) {
    REQUIRE_OK(ParseHostConfiguration(Changed(test::kSample, changes)));
  }
  REQUIRE_OK(ParseHostConfiguration("management: {datastorePath: /a/b.sqlite}\n"));
  REQUIRE_OK(ParseHostConfiguration(
      "storage:\n  disks:\n"
      "    - {id: a, device: /dev/a, partitionTableType: gpt, partitions: []}\n"
      "    - {id: b, device: /dev/b, partitionTableType: gpt,\n"
      "       partitions: [{id: root, type: root, size: grow}]}\n"
      "  mountPoints: [{path: /, filesystem: ext4, options: [], targetId: root}]\n"));
}

TEST_CASE("ids and references") {
  CheckCases({
      {"an id of two partitions",
       {{"{id: pageout,", "{id: agent,"}, {"targetId: pageout}", "targetId: oldlogs}"}},
       {{"storage.disks[0].partitions[4].id", "used twice"}}},
      {"an id of a disk and a pair",
       {{"id: sysdisk", "id: root"}, {kPair, kPair}},
       {{"storage.mountPoints[1].targetId", "is a disk"},
        {"storage.abUpdate.volumePairs[0].id", "used twice"},
        {"storage.images[1].targetId", "is a disk"}}},
      {"an id of an adopted and another partition",
       {{"id: oldlogs", "id: rest"}},
       {{"storage.disks[1].adoptedPartitions[0].id", "used twice"}}},
      {"a mount of nothing",
       {{"targetId: rest}", "targetId: rust}"}},
       {{"storage.mountPoints[6].targetId", "nothing has the id \"rust\""}}},
      {"hashes from a registry",
       {{"file:///images/esp.raw.zst\n      sha256: ignored",
         "oci://registry.example/os:1\n      sha256: manifest"}},
       {{"storage.images[0].sha256", "no file SHA256SUMS"}}},
      {"an image for nothing",
       {{"format: raw-zstd\n      targetId: esp", "format: raw-zstd\n      targetId: eps"}},
       {{"storage.images[0].targetId", "nothing has the id"}}},
      {"an array of nothing",
       {{"[md0a, md0b]", "[md0a, md0c]"}},
       {{"storage.raid.software[0].devices[1]", "nothing has the id"}}},
      {"a pair of nothing",
       {{"volumeBId: rootB", "volumeBId: rootC"}},
       {{"storage.abUpdate.volumePairs[0].volumeBId", "nothing has the id"}}},
      {"an encryption of nothing",
       {{"targetId: vault}", "targetId: vlt}"}},
       {{kEncrypted, "nothing has the id"}}},
      {"a mount of a disk",
       {{"targetId: rest}", "targetId: datadisk}"}},
       {{"storage.mountPoints[6].targetId", "is a disk"}}},
      {"an image for an array",
       {{"format: raw-zstd\n      targetId: esp", "format: raw-zstd\n      targetId: mirror"}},
       {{"storage.images[0].targetId", "is a RAID array"}}},
      {"a partition whose id is no label",
       {{"{id: rest, ", "{id: a1234567890123456789012345678901234567, "},
        {"targetId: rest}", "targetId: a1234567890123456789012345678901234567}"}},
       {{"storage.disks[0].partitions[7].id", "36 characters"}}},
  });
}

TEST_CASE("disks and partitions") {
  CheckCases({
      {"two disks with one device",
       {{"scsi-0:0:1:0", "scsi-0:0:0:0"}},
       {{"storage.disks[1].device", "is also that of storage.disks[0]"}}},
      {"two partitions that grow",
       {{"size: 2G}", "size: grow}"}},
       {{"storage.disks[0].partitions[7].size", "grows already"}}},
      {"a partition of no size",
       {{"size: 256M}", "size: 0}"}},
       {{"storage.disks[0].partitions[4].size", "size 0"}}},
      {"an adopted partition that nothing selects",
       {{"          name: logs\n", ""}},
       {{"storage.disks[1].adoptedPartitions[0]", "nothing says which"}}},
  });
}

TEST_CASE("encryption") {
  const std::string volume = kVolume;
  CheckCases({
      {"no volumes",
       {{"\n      - " + volume, " []"}, {"targetId: vault-clear}", "targetId: vault}"}},
       {{"storage.encryption.volumes", "empty"}}},
      {"one target twice",
       {{volume, volume + "\n      - {id: v2, deviceName: v2, targetId: vault}"}},
       {{"storage.encryption.volumes[1].targetId", "is also encrypted by"}}},
      {"one name twice",
       {{volume, volume + "\n      - {id: v2, deviceName: vault, targetId: pageout}"},
        {"targetId: pageout}", "targetId: pageout}"},
        {"filesystem: swap, options: [sw],                targetId: pageout",
         "filesystem: swap, options: [sw],                targetId: v2"}},
       {{"storage.encryption.volumes[1].deviceName", "is also that of"}}},
      {"a target that is mounted",
       {{"targetId: vault-clear}", "targetId: vault}"}},
       {{kEncrypted, "is mounted by"}}},
      {"a member of an array",
       {{"deviceName: vault, targetId: vault", "deviceName: vault, targetId: md0a"}},
       {{kEncrypted, "is a member of the array"}}},
      {"one half of a pair",
       {{"type: root,          size: 6G}\n        - {id: rootB,    type: root",
         "type: srv,"
         "          size: 6G}\n        - {id: rootB,    type: srv"},
        {"deviceName: vault, targetId: vault", "deviceName: vault, targetId: rootB"}},
       {{kEncrypted, "is one half of the volume pair"}}},
      {"a target with an image",
       {{"format: raw-zstd\n      targetId: esp", "format: raw-zstd\n      targetId: vault"}},
       {{kEncrypted, "is overwritten by the image"}}},
      {"a disk",
       {{"deviceName: vault, targetId: vault", "deviceName: vault, targetId: datadisk"}},
       {{kEncrypted, "is a disk"}}},
      {"a pair",
       {{"deviceName: vault, targetId: vault", "deviceName: vault, targetId: root"}},
       {{kEncrypted, "is mounted"}, {kEncrypted, "is overwritten"}, {kEncrypted, "volume pair"}}},
      {"a partition that firmware reads",
       {{"type: srv, ", "type: esp, "}},
       {{kEncrypted, "cannot be encrypted"}}},
      {"an array of root partitions",
       {{"{id: md0a,     type: linux-generic", "{id: md0a,     type: root"},
        {"deviceName: vault, targetId: vault", "deviceName: vault, targetId: mirror"},
        {"    - {path: /mnt/mirror,      filesystem: ext4, options: [defaults, nofail],  targetId: "
         "mirror}\n",
         ""}},
       {{kEncrypted, "cannot be encrypted"}}},
  });
}

TEST_CASE("what opens encrypted volumes") {
  const std::string url = "    recoveryKeyUrl: file:///etc/recovery/luks.key\n";
  const auto with = [&](const std::string& text) { return std::pair(url, url + text); };
  const auto instead = [&](const std::string& text) { return std::pair(url, text); };
  CheckCases({
      {"the TPM alone", {instead("")}, {}},
      {"the TPM alone, by name", {instead("    tpm2: required\n")}, {}},
      {"the recovery key alone", {with("    tpm2: never\n")}, {}},
      {"both, with registers", {with("    tpm2: required\n    pcrs: [0, 7, 23]\n")}, {}},
      {"no registers at all", {with("    pcrs: []\n")}, {}},
      {"nothing",
       {instead("    tpm2: never\n")},
       {{"storage.encryption.tpm2", "nothing could open the encrypted volume \"vault-clear\""}}},
      {"nothing, for swap that needs nothing",
       {instead("    tpm2: never\n"),
        {"{path: /srv,             filesystem: ext4", "{path: none,             filesystem: swap"}},
       {}},
      {"nothing, for swap that is mounted elsewhere, too",
       {instead("    tpm2: never\n"),
        {"    - {path: /srv, ",
         "    - {path: none, filesystem: swap, options: [], targetId: "
         "vault-clear}\n    - {path: /srv, "}},
       {{"storage.encryption.tpm2", "nothing could open"},
        {"storage.mountPoints[5].targetId", ""}}},
      {"registers without the TPM",
       {with("    tpm2: never\n    pcrs: [7]\n")},
       {{"storage.encryption.pcrs", "is not used"}}},
      {"a register that no TPM has",
       {with("    pcrs: [7, 24]\n")},
       {{"storage.encryption.pcrs[1]", "no platform configuration register 24"}}},
      {"a register twice",
       {with("    pcrs: [7, 11, 7]\n")},
       {{"storage.encryption.pcrs[2]", "named twice"}}},
      {"a name with a letter that the device-mapper mangles",
       {{"deviceName: vault", "deviceName: \"a#b\""}},
       {{"storage.encryption.volumes[0].deviceName", "cannot be that of a device"}}},
      {"the name of the device-mapper itself",
       {{"deviceName: vault", "deviceName: control"}},
       {{"storage.encryption.volumes[0].deviceName", "cannot be that of a device"}}},
  });
}

TEST_CASE("arrays") {
  const std::string array = kArray;
  CheckCases({
      {"no devices",
       {{"[md0a, md0b]", "[]"}},
       {{"storage.raid.software[0].devices", "at least 2"}}},
      {"too few devices for the level",
       {{"level: raid1", "level: raid5"}},
       {{"storage.raid.software[0].devices", "at least 3"}}},
      {"a device that is no partition",
       {{"[md0a, md0b]", "[md0a, md0b, datadisk]"}},
       {{"storage.raid.software[0].devices[2]", "is a disk"}}},
      {"a partition twice",
       {{"[md0a, md0b]", "[md0a, md0a]"}},
       {{"storage.raid.software[0].devices[1]", "member of an array already"}}},
      {"a partition in two arrays, and one name twice",
       {{array, array + "\n      - {id: m2, name: mirror, level: raid1, metadataVersion: '1.0', "
                        "devices: [md0a, md0b]}"}},
       {{"storage.raid.software[1].name", "is also that of"},
        {"storage.raid.software[1].devices[0]", "already"},
        {"storage.raid.software[1].devices[1]", "already"}}},
      {"a member that grows",
       {{"size: 1 G", "size: grow"}},
       {{"storage.raid.software[0].devices[1]", "grows"}}},
      {"members of two sizes",
       {{"size: 1 G", "size: 2 G"}},
       {{"storage.raid.software[0].devices[1]", "has the size 2G"}}},
  });
}

TEST_CASE("volume pairs") {
  const std::string pair = kPair;
  const char kB[] = "storage.abUpdate.volumePairs[0].volumeBId";
  CheckCases({
      {"one volume for both halves",
       {{"volumeBId: rootB", "volumeBId: rootA"}},
       {{kB, "the same"}}},
      {"a disk", {{"volumeBId: rootB", "volumeBId: datadisk"}}, {{kB, "is a disk"}}},
      {"a volume in two pairs",
       {{pair, pair + "\n      - {id: p2, volumeAId: rootB, volumeBId: agent}"}},
       {{"storage.mountPoints[3].targetId", "one half"},
        {"storage.abUpdate.volumePairs[1].volumeAId", "belongs to a volume pair already"}}},
      {"a member of an array",
       {{"volumeBId: rootB", "volumeBId: md0a"}},
       {{kB, "member of the array"}}},
      {"halves of two sizes",
       {{"size: 6G", "size: 7G"}},
       {{kB, "volume A has the size 7G, volume B has 6G"}}},
      {"halves of two types",
       {{"{id: rootB,    type: root, ", "{id: rootB,    type: usr, "}},
       {{kB, "partition type"}}},
  });
}

TEST_CASE("mount points and images") {
  CheckCases({
      {"a path twice, spelt differently",
       {{"path: /home,", "path: //srv/,"}},
       {{"storage.mountPoints[6].path", "mounted at \"//srv/\" already"}}},
      {"a target twice",
       {{"targetId: rest}", "targetId: esp}"}},
       {{"storage.mountPoints[6].targetId", "is mounted already"}}},
      {"a member of an array",
       {{"targetId: rest}", "targetId: md0a}"}},
       {{"storage.mountPoints[6].targetId", "member of the array"}}},
      {"one half of a pair",
       {{"targetId: rest}", "targetId: rootB}"}},
       {{"storage.mountPoints[6].targetId", "one half of the volume pair"}}},
      {"no root",
       {{"path: /,  ", "path: /r,"}},
       {{"storage.mountPoints", "nothing is mounted at \"/\""}}},
      {"swap at a path",
       {{"path: none", "path: /swap"}},
       {{"storage.mountPoints[2].path", "swap is not mounted"}}},
      {"none for a filesystem",
       {{"path: /home,", "path: none,"}},
       {{"storage.mountPoints[6].path", "absolute path"}}},
      {"a path that leaves the new root",
       {{"path: /home,", "path: /home/../..,"}},
       {{"storage.mountPoints[6].path", "\"..\""}}},
      {"two images for one volume",
       {{"format: raw-zstd\n      targetId: esp", "format: raw-zstd\n      targetId: root"}},
       {{"storage.images[1].targetId", "is written already"}}},
      {"an image for one half of a pair",
       {{"format: raw-zstd\n      targetId: esp", "format: raw-zstd\n      targetId: rootA"}},
       {{"storage.images[0].targetId", "one half"}}},
  });
}

TEST_CASE("the agent's database") {
  const char kPath[] = "management.datastorePath";
  const std::string given = "/var/lib/trident/state.sqlite";
  CheckCases({
      {"another ending", {{given, "/var/lib/trident/state.db"}}, {{kPath, "\".sqlite\""}}},
      {"nothing but the ending", {{given, "/var/lib/trident/.sqlite"}}, {{kPath, "\".sqlite\""}}},
      {"a relative path", {{given, "state.sqlite"}}, {{kPath, "absolute"}}},
      {"on a volume pair", {{given, "/var/lib/other/state.sqlite"}}, {{kPath, "volume pair"}}},
      {"beside a mount point that begins alike",
       {{given, "/var/lib/tridentx/state.sqlite"}},
       {{kPath, "volume pair"}}},
      {"the default on a volume pair",
       {{"  datastorePath: " + given + "\n", ""}, {"path: /var/lib/trident,", "path: /data,"}},
       {{kPath, "volume pair"}}},
  });
}

TEST_CASE("scripts and users") {
  CheckCases({
      {"a script with content and path",
       {{"path: /opt/site/setup.sh", "path: /opt/site/setup.sh\n      content: x"}},
       {{"scripts.postConfigure[0].path", "both"}}},
      {"a script with neither",
       {{"      path: /opt/site/setup.sh\n", ""}},
       {{"scripts.postConfigure[0]", "neither"}}},
      {"a variable with a bad name",
       {{"{STAMP: /tmp/stamp}", "{A-B: x}"}},
       {{"scripts.postProvision[0].environmentVariables.A-B", "not a name of a variable"}}},
      {"a user twice",
       {{"name: root\n", "name: operator\n"}},
       {{"osconfig.users[1].name", "there twice"}}},
      {"a locked password with a value",
       {{"{mode: locked}", "{mode: locked, value: x}"}},
       {{"osconfig.users[1].password.value", "no value"}}},
      {"a password without a value",
       {{"{mode: locked}", "{mode: dangerous-plain-text}"}},
       {{"osconfig.users[1].password.value", "needs a value"}}},
      {"a password of two lines",
       {{"{mode: locked}", "{mode: dangerous-plain-text, value: \"x\\nroot:y\"}"}},
       {{"osconfig.users[1].password.value", "one line"}}},
      {"a hash with a colon",
       {{"{mode: locked}", "{mode: dangerous-hashed, value: 'x:0:0'}"}},
       {{"osconfig.users[1].password.value", "\":\""}}},
      {"a hash that is none",
       {{"{mode: locked}", "{mode: dangerous-hashed, value: secret}"}},
       {{"osconfig.users[1].password.value", "no hash"}}},
      {"a time limit of nothing",
       {{"timeoutSeconds: 30", "timeoutSeconds: 0"}},
       {{"scripts.preServicing[0].timeoutSeconds", "1 to 86400"}}},
      {"a time limit of years",
       {{"timeoutSeconds: 30", "timeoutSeconds: 86401"}},
       {{"scripts.preServicing[0].timeoutSeconds", "1 to 86400"}}},
      {"a group twice",
       {{"groups: [wheel]", "groups: [wheel, audio, wheel]"}},
       {{"osconfig.users[0].groups[2]", "there twice"}}},
      {"a group that a shell would take apart",
       {{"groups: [wheel]", "groups: ['wheel; reboot']"}},
       {{"osconfig.users[0].groups[0]", "lower-case"}}},
      {"a user that looks like an option",
       {{"name: operator\n", "name: -x\n"}},
       {{"osconfig.users[0].name", "lower-case"}}},
  });
}

TEST_CASE("a password is not repeated in what is said about it") {
  const auto parsed = ParseHostConfiguration(
      SampleWith("{mode: locked}", "{mode: dangerous-plain-text, value: \"se\\ncret\"}"));
  REQUIRE(parsed.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK_THAT(parsed.status().ToString(), !Catch::Matchers::Contains("cret"));
  for (const Finding& finding : GetErrorDetail(parsed.status()).findings) {
    CHECK_THAT(finding.reason, !Catch::Matchers::Contains("cret"));
  }
}

TEST_CASE("settings of the operating system") {
  const std::string key =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
  CheckCases({
      {"a host name with an underscore",
       {{"hostname: node-1", "hostname: node_1"}},
       {{"osconfig.hostname", "host name"}}},
      {"a label of a host name that ends with a hyphen",
       {{"hostname: node-1.", "hostname: node-."}},
       {{"osconfig.hostname", "host name"}}},
      {"a host name of 65 characters",
       {{"hostname: node-1", "hostname: " + std::string(53, 'n')}},
       {{"osconfig.hostname", "64"}}},
      {"a time zone that leaves its folder",
       {{"Europe/Oslo", "../../etc/shadow"}},
       {{"osconfig.timezone", "time zone"}}},
      {"a unit with a path", {{"nginx,", "/etc/x,"}}, {{"osconfig.services.enable[0]", "unit"}}},
      {"a unit twice, with and without its suffix",
       {{"nginx,", "nginx, nginx.service,"}},
       {{"osconfig.services.enable[1]", "there twice"}}},
      {"a unit that is enabled and disabled",
       {{"nginx,", "getty@tty1,"}},
       {{"osconfig.services.disable[0]", "both"}}},
      {"the agent disabled",
       {{"getty@tty1.service", "trident"}},
       {{"osconfig.services.disable[0]", "trident.service"}}},
      {"a module with options", {{"br_netfilter", "'a b=1'"}}, {{"osconfig.modules[0]", "module"}}},
      {"a module twice, with hyphen and underscore",
       {{"br_netfilter", "br_netfilter, br-netfilter"}},
       {{"osconfig.modules[1]", "there twice"}}},
      {"two kernel options in one",
       {{"console=ttyS0", "a b"}},
       {{"osconfig.kernelCommandLine.extraCommandLine[0]", "one option"}}},
      {"a kernel option that ends a line of GRUB",
       {{"console=ttyS0", "'a;reboot'"}},
       {{"osconfig.kernelCommandLine.extraCommandLine[0]", "one option"}}},
      {"the root device among the kernel options",
       {{"console=ttyS0", "root=/dev/sda1"}},
       {{"osconfig.kernelCommandLine.extraCommandLine[0]", "set by the agent"}}},
      {"a kernel option twice",
       {{"panic=10", "console=ttyS0"}},
       {{"osconfig.kernelCommandLine.extraCommandLine[1]", "there twice"}}},
      {"a file with content and source",
       {{"source: /opt/site/check", "source: /opt/site/check, content: x"}},
       {{"osconfig.additionalFiles[1].source", "both"}}},
      {"a file with neither",
       {{", source: /opt/site/check", ""}},
       {{"osconfig.additionalFiles[1]", "neither"}}},
      {"a file with a relative destination",
       {{"destination: /etc/motd", "destination: etc/motd"}},
       {{"osconfig.additionalFiles[0].destination", "absolute"}}},
      {"a file whose destination goes up",
       {{"destination: /etc/motd", "destination: /etc/../motd"}},
       {{"osconfig.additionalFiles[0].destination", "\"..\""}}},
      {"a destination that is a folder",
       {{"destination: /etc/motd", "destination: /etc/"}},
       {{"osconfig.additionalFiles[0].destination", "names no file"}}},
      {"a destination that does not outlive the boot",
       {{"destination: /etc/motd", "destination: //run/motd"}},
       {{"osconfig.additionalFiles[0].destination", "/run"}}},
      {"a destination that the agent writes",
       {{"destination: /etc/motd", "destination: /etc//fstab"}},
       {{"osconfig.additionalFiles[0].destination", "written by the agent"}}},
      {"a destination that another field writes",
       {{"destination: /etc/motd", "destination: /etc/hostname"}},
       {{"osconfig.additionalFiles[0].destination", "hostname"}}},
      {"a file twice",
       {{"/usr/local/bin/check", "/etc//motd"}},
       {{"osconfig.additionalFiles[1].destination", "there twice"}}},
      {"a file below another file",
       {{"/usr/local/bin/check", "/etc/motd/part"}},
       {{"osconfig.additionalFiles[1].destination", "cannot both be files"}}},
      {"a file above another file",
       {{"/etc/motd", "/usr/local/bin/check/part"}},
       {{"osconfig.additionalFiles[1].destination", "cannot both be files"}}},
      {"permissions with a bit too much",
       {{"permissions: 0600", "permissions: 4755"}},
       {{"osconfig.additionalFiles[0].permissions", "0777"}}},
      {"permissions that are not octal",
       {{"permissions: 0600", "permissions: 0680"}},
       {{"osconfig.additionalFiles[0].permissions", "octal"}}},
      {"an unknown mode of SELinux",
       {{"mode: enforcing", "mode: strict"}},
       {{"osconfig.selinux.mode", "permissive"}}},
      {"a relative path to preserve",
       {{"[/etc/site,", "[etc/site,"}},
       {{"osconfig.preserve[0]", "absolute"}}},
      {"a path to preserve that goes up",
       {{"[/etc/site,", "[/etc/../site,"}},
       {{"osconfig.preserve[0]", "\"..\""}}},
      {"everything to preserve", {{"[/etc/site,", "[/,"}}, {{"osconfig.preserve[0]", "no file"}}},
      {"a folder to preserve with a file of the agent in it",
       {{"[/etc/site,", "[/etc,"}},
       {{"osconfig.preserve[0]", "/etc/crypttab"}}},
      {"a wildcard in a folder",
       {{"/var/lib/site/*.key", "/var/*/site"}},
       {{"osconfig.preserve[1]", "last part"}}},
      {"a path to preserve twice",
       {{"/var/lib/site/*.key", "/etc//site"}},
       {{"osconfig.preserve[1]", "there twice"}}},
      {"a key of no type",
       {{"ssh-ed25519 ", "ed25519 "}},
       {{"osconfig.users[0].sshKeys[0]", "one of the types"}}},
      {"a key that was cut off",
       {{"HR4f ", " "}},
       {{"osconfig.users[0].sshKeys[0]", "no whole key"}}},
      {"a key under another type's name",
       {{"ssh-ed25519 ", "ssh-rsa "}},
       {{"osconfig.users[0].sshKeys[0]", "no whole key"}}},
      {"a key twice",
       {{"sshKeys: [", "sshKeys: ['" + key + "', '" + key + "', "}},
       {{"osconfig.users[0].sshKeys[1]", "there twice"}}},
      {"a key of two lines",
       {{"sshKeys: [", "sshKeys: [\"" + key + "\\n" + key + "\", "}},
       {{"osconfig.users[0].sshKeys[0]", "one line"}}},
  });
}

TEST_CASE("a key may have options before it") {
  for (const char* options :
       {"restrict ", "from=\"10.0.0.0/8,!10.0.0.1\",command=\"echo \\\\\\\"a b\\\\\\\"\" "}) {
    INFO(options);
    REQUIRE_OK(ParseHostConfiguration(
        SampleWith("['ssh-ed25519 ", std::string("['") + options + "ssh-ed25519 ")));
  }
}

}  // namespace
}  // namespace trident
