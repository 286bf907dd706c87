// What is refused, where, and with which words.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/base/strings.h"
#include "common/config/document.h"
#include "tests/common/config/sample.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::kSample;
using test::SampleWith;

std::vector<Finding> FindingsOf(const std::string& text) {
  const auto parsed = ParseHostConfiguration(text);
  if (parsed.ok()) return {};
  CHECK(parsed.status().code() == absl::StatusCode::kInvalidArgument);
  const ErrorDetail detail = GetErrorDetail(parsed.status());
  CHECK(detail.kind == "invalid-input");
  CHECK(detail.subkind == "host-configuration");
  for (const Finding& finding : detail.findings) CHECK_FALSE(finding.remedy.empty());
  return detail.findings;
}

std::string Show(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    StrAppend(&text, finding.line, ":", finding.column, " ", finding.path, ": ", finding.reason,
              " [", finding.remedy, "]\n");
  }
  return text;
}

// The line, from 1, that holds the end of the first `marker` in the text.
uint32_t LineOf(const std::string& text, const std::string& marker) {
  const size_t found = text.find(marker);
  REQUIRE(found != std::string::npos);
  uint32_t line = 1;
  for (const char c : text.substr(0, found + marker.size() - 1)) line += c == '\n' ? 1 : 0;
  return line;
}

TEST_CASE("all twelve faults of a document are found, in its order, with their lines") {
  const std::string text = R"(management:
  datastorePth: /var/lib/trident/a.sqlite
  enableGrpc: yes
storage:
  disks:
    - id: sys
      device: dev/sda
      partitionTableType: mbr
      partitions:
        - {id: esp, type: efi, size: 512MB}
        - {id: root, type: root, size: 16777216T}
        - {id: root, type: root, size: 0}
  mountPoints:
    - {path: /, filesystem: ext4, options: defaults, targetId: root}
  images:
    - {url: "ftp://host/a", sha256: abc, format: raw-zstd, targetId: root}
osconfig:
  users:
    - {name: Root}
)";
  const auto findings = FindingsOf(text);
  INFO(Show(findings));
  struct Expected {
    const char* path;
    uint32_t line;
    const char* reason;
  };
  const Expected expected[] = {
      {"management.datastorePth", 2, "unknown"},
      {"management.enableGrpc", 3, "true or false"},
      {"storage.disks[0].device", 7, "absolute path"},
      {"storage.disks[0].partitionTableType", 8, "gpt"},
      {"storage.disks[0].partitions[0].type", 10, "one of esp, root"},
      {"storage.disks[0].partitions[0].size", 10, "not a size"},
      {"storage.disks[0].partitions[1].size", 11, "64 bits"},
      {"storage.disks[0].partitions[2].id", 12, "used twice"},
      {"storage.disks[0].partitions[2].size", 12, "size 0"},
      {"storage.mountPoints[0].options", 14, "expected a list"},
      {"storage.images[0].url", 16, "ftp"},
      {"storage.images[0].sha256", 16, "64 hexadecimal"},
      {"osconfig.users[0].name", 19, "lower-case"},
  };
  REQUIRE(findings.size() == std::size(expected));
  for (size_t i = 0; i < findings.size(); ++i) {
    CHECK(findings[i].path == expected[i].path);
    CHECK(findings[i].line == expected[i].line);
    CHECK(findings[i].column > 0);
    CHECK(findings[i].reason.find(expected[i].reason) != std::string::npos);
  }
  CHECK(findings[0].remedy.find("Did you mean \"datastorePath\"?") != std::string::npos);
}

TEST_CASE("the message of the status has the first finding and a count") {
  const auto parsed = ParseHostConfiguration("a: 1\nb: 2\nc: 3\n");
  REQUIRE_ERROR(parsed, absl::StatusCode::kInvalidArgument, "line 1, column 1");
  REQUIRE_ERROR(parsed, absl::StatusCode::kInvalidArgument, "and 2 more findings");
}

TEST_CASE("a hostile document does not give more findings than anybody reads") {
  std::string text = "storage:\n  images:\n";
  for (int i = 0; i < 5000; ++i) text += "    - {x: 1}\n";
  const auto findings = FindingsOf(text);
  CHECK(findings.size() == 500);
}

TEST_CASE("a fault hides no other one that does not follow from it") {
  struct Hiding {
    const char* name;
    const char* text;
    std::vector<std::string> paths;
  };
  const Hiding cases[] = {
      {"an unknown key elsewhere, and references to nothing",
       "osconfig: {hostnam: a}\nstorage:\n  images: [{url: 'file:///a', sha256: ignored, format: "
       "raw, targetId: x}]\n",
       {"osconfig.hostnam", "storage.images[0].targetId"}},
      {"a reference that cannot be one, and one to nothing",
       "storage:\n  images:\n    - {url: 'file:///a', sha256: ignored, format: raw, targetId: "
       "a/b}\n"
       "    - {url: 'file:///a', sha256: ignored, format: raw, targetId: x}\n",
       {"storage.images[0].targetId", "storage.images[1].targetId"}},
      {"an id that cannot be one may be what is referred to",
       "storage:\n  disks: [{id: a/b, device: /dev/a, partitionTableType: gpt, partitions: []}]\n"
       "  mountPoints: [{path: /, filesystem: ext4, options: [], targetId: x}]\n",
       {"storage.disks[0].id"}},
      {"options that are no list, nothing at the root, and a path that goes up",
       "storage:\n  disks: [{id: d, device: /dev/a, partitionTableType: gpt, partitions: [{id: p, "
       "type: root, size: 1G}]}]\n"
       "  mountPoints: [{path: /a/.., filesystem: 'a b', options: ro, targetId: p}]\n",
       {"management.datastorePath", "storage.mountPoints", "storage.mountPoints[0].path",
        "storage.mountPoints[0].filesystem", "storage.mountPoints[0].options"}},
      {"a tag, and what is wrong within",
       "osconfig:\n  users: !list [{name: A}]\n  services: !s {enable: [a, a]}\n",
       {"osconfig.users", "osconfig.users[0].name", "osconfig.services",
        "osconfig.services.enable[1]"}},
      {"a netplan mapping without version and with a tag, and what is wrong within",
       "network:\n  ethernets:\n    eth0: !t {dhcp4: maybe}\n",
       {"network.version", "network.ethernets.eth0", "network.ethernets.eth0.dhcp4"}},
      {"wrong permissions, and no content",
       "osconfig: {additionalFiles: [{destination: /a, permissions: 9}]}\n",
       {"osconfig.additionalFiles[0]", "osconfig.additionalFiles[0].permissions"}},
      {"a second document, and what is wrong in the first",
       "osconfig: {hostname: a_b}\n---\n{}\n",
       {"osconfig.hostname", ""}},
  };
  for (const Hiding& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto findings = FindingsOf(c.text);
      INFO(Show(findings));
      std::vector<std::string> paths;
      for (const Finding& finding : findings) paths.push_back(finding.path);
      CHECK(paths == c.paths);
    }
  }
}

TEST_CASE("what is told about an interface stands at its name") {
  const auto findings = FindingsOf(
      "network:\n  version: 2\n  ethernets:\n    a-name-that-is-too-long:\n      dhcp4: true\n");
  INFO(Show(findings));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].line == 4);
  CHECK(findings[0].column == 5);
}

TEST_CASE("a password that stands in the place of its mapping is not repeated") {
  const auto findings = FindingsOf("osconfig: {users: [{name: a, password: secret}]}\n");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].path == "osconfig.users[0].password");
  CHECK(findings[0].reason == "expected a mapping, found a single value");
}

struct Case {
  const char* name;
  // The sample with the first `from` replaced by `to`; or the document `to`, without `from`.
  const char* from;
  const char* to;
  const char* path;
  const char* reason;
  // A text on the finding's line.
  const char* line_of;
};

void CheckCases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const std::string text = c.from == nullptr ? c.to : SampleWith(c.from, c.to);
      const auto findings = FindingsOf(text);
      INFO(Show(findings));
      REQUIRE(findings.size() == 1);
      CHECK(findings[0].path == c.path);
      CHECK(findings[0].reason.find(c.reason) != std::string::npos);
      CHECK(findings[0].line == LineOf(text, c.line_of));
    }
  }
}

TEST_CASE("faults of form are refused") {
  CheckCases({
      {"an empty document", nullptr, " ", "", "the document is empty", " "},
      {"a list instead of a document", nullptr, "- a", "", "expected a mapping, found a list", "-"},
      {"an unknown key at the root", "osconfig:", "osConfig:", "osConfig", "unknown", "osConfig:"},
      {"a merge key", nullptr, "osconfig:\n  <<: {users: []}\n", "osconfig.<<", "unknown", "<<"},
      {"a duplicate key", "enableGrpc: true", "enableGrpc: true\n  enableGrpc: true",
       "management.enableGrpc", "twice", "true\n  enableGrpc"},
      {"an unknown key of an adopted partition", "continue_if_no_match", "continue_if_no_matc",
       "storage.disks[1].adoptedPartitions[0].continue_if_no_matc", "unknown",
       "continue_if_no_matc"},
      {"both spellings of one key", "name: logs", "name: logs\n          continueIfNoMatch: true",
       "storage.disks[1].adoptedPartitions[0].continueIfNoMatch", "given twice",
       "continue_if_no_match"},
      {"a missing key", "partitionTableType: gpt\n      partitions:", "partitions:",
       "storage.disks[0].partitionTableType", "missing", "- id: sysdisk"},
      {"a quoted boolean", "enableGrpc: true", "enableGrpc: 'true'", "management.enableGrpc",
       "true or false", "enableGrpc"},
      {"a tag", "sshMode: key-only", "sshMode: !x key-only", "osconfig.users[0].sshMode", "tag",
       "sshMode"},
      {"a mapping instead of a text", "name: logs", "name: {a: b}",
       "storage.disks[1].adoptedPartitions[0].name", "expected a string", "name: {a"},
      {"null instead of a text", "name: stamp", "name: ~", "scripts.postProvision[0].name",
       "expected a string, found null", "name: ~"},
      {"a wrong enum value", "level: raid1", "level: raid4", "storage.raid.software[0].level",
       "one of raid0, raid1, raid5, raid6, raid10", "raid4"},
      {"a size with a decimal point", "size: 512M", "size: 0.5G",
       "storage.disks[0].partitions[0].size", "not a size", "0.5G"},
      {"a negative size", "size: 512M", "size: -1", "storage.disks[0].partitions[0].size",
       "not a size", "-1"},
      {"a size that is a list", "size: 512M", "size: [1]", "storage.disks[0].partitions[0].size",
       "found a list", "[1]"},
      {"a hash in capitals that is none", "sha256: ignored", "sha256: IGNORED",
       "storage.images[0].sha256", "64 hexadecimal", "IGNORED"},
      {"a manifest in capitals", "sha256: ignored", "sha256: Manifest", "storage.images[0].sha256",
       "\"manifest\"", "Manifest"},
      {"an image of a registry without a repository", "file:///images/esp.raw.zst",
       "oci://registry.example", "storage.images[0].url", "names no repository",
       "registry.example"},
      {"an image of a registry with a password", "file:///images/esp.raw.zst",
       "oci://me:secret@registry.example/os", "storage.images[0].url", "registryCredentials",
       "oci://"},
      {"an image without a URL", "url: file:///images/esp.raw.zst", "url: ''",
       "storage.images[0].url", "not a URL", "url: ''"},
      {"an image by FTP", "http://192.0.2.10/images", "ftp://192.0.2.10/images",
       "storage.images[1].url", "scheme", "ftp:"},
      {"a file URL with a host", "file:///images/esp", "file://images/esp", "storage.images[0].url",
       "absolute path", "file://images"},
      {"a URL with a blank", "http://192.0.2.10/images", "http://192.0.2.10/my images",
       "storage.images[1].url", "blank", "my images"},
      {"a URL with a bad port", "http://192.0.2.10/images", "http://192.0.2.10:99999/images",
       "storage.images[1].url", "port", "99999"},
      {"a recovery key that is no file", "file:///etc/recovery/luks.key", "https://h/k",
       "storage.encryption.recoveryKeyUrl", "scheme", "https://h"},
      {"a use of the TPM that nobody knows", "recoveryKeyUrl:", "tpm2: maybe\n    recoveryKeyUrl:",
       "storage.encryption.tpm2", "preferred", "maybe"},
      {"a register that is no number", "recoveryKeyUrl:", "pcrs: [seven]\n    recoveryKeyUrl:",
       "storage.encryption.pcrs[0]", "number", "seven"},
      {"a phonehome that is no URL", "phonehome: http://192.0.2.10:8080/phonehome",
       "phonehome: nowhere", "management.phonehome", "not a URL", "nowhere"},
      {"an empty id", "id: oldlogs", "id: ''", "storage.disks[1].adoptedPartitions[0].id",
       "must not be empty", "id: ''"},
      {"an id with a slash", "id: oldlogs", "id: a/b", "storage.disks[1].adoptedPartitions[0].id",
       "must not contain", "a/b"},
      {"a device name with a slash", "deviceName: vault", "deviceName: a/b",
       "storage.encryption.volumes[0].deviceName", "must not contain", "a/b"},
      {"an array name with a slash", "name: mirror", "name: ../x", "storage.raid.software[0].name",
       "must not contain", "../x"},
      {"a device that is no absolute path",
       "device: /dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0", "device: sda",
       "storage.disks[1].device", "absolute", "device: sda"},
      {"a mount option with a line break", "options: [umask=0077]", "options: [\"a\\nb\"]",
       "storage.mountPoints[0].options[0]", "one line", "options: [\"a"},
      {"a filesystem that is a path", "filesystem: vfat", "filesystem: ../vfat",
       "storage.mountPoints[0].filesystem", "name of a filesystem", "../vfat"},
      {"a netplan mapping without version", "network:\n  version: 2",
       "network:\n  renderer: networkd", "network.version", "missing", "renderer: networkd"},
      {"a netplan version that is a text", "network:\n  version: 2", "network:\n  version: '2'",
       "network.version", "the number 2", "'2'"},
      {"a netplan list", nullptr, "network: [1]\n", "network", "expected a mapping", "["},
      {"a UUID that is none", "name: logs", "uuid: 1234",
       "storage.disks[1].adoptedPartitions[0].uuid", "UUID", "1234"},
      {"a user name that is an option", "name: operator", "name: -r", "osconfig.users[0].name",
       "lower-case", "-r"},
  });
}

}  // namespace
}  // namespace trident
