// The rules of verity devices and overlays: each broken alone in a document that is valid else.
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/config/document.h"
#include "common/config/lookup.h"
#include "tests/common/config/rule_cases.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr char kHash[] = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

// A verity root and a verity /usr, which nobody would use together, on one disk.
constexpr char kDocument[] = R"(storage:
  disks:
    - id: os
      device: /dev/sda
      partitionTableType: gpt
      partitions:
        - {id: esp-a, type: esp, size: 256M}
        - {id: esp-b, type: esp, size: 256M}
        - {id: root-a, type: root, size: 1G}
        - {id: root-b, type: root, size: 1G}
        - {id: hash-a, type: root-verity, size: 64M}
        - {id: hash-b, type: root-verity, size: 64M}
        - {id: usr, type: usr, size: 1G}
        - {id: usr-hash, type: usr-verity, size: 64M}
        - {id: data, type: linux-generic, size: 1G}
        - {id: spare, type: linux-generic, size: 1G}
        - {id: agent, type: linux-generic, size: 128M}
        - {id: vault, type: linux-generic, size: 1G}
  encryption:
    volumes:
      - {id: opened, deviceName: opened, targetId: vault}
  mountPoints:
    - {path: /, filesystem: ext4, options: [ro], targetId: verified-root}
    - {path: /usr, filesystem: ext4, options: [], targetId: verified-usr}
    - {path: /boot/efi, filesystem: vfat, options: [], targetId: esp}
    - {path: /data, filesystem: ext4, options: [], targetId: data}
    - {path: /vault, filesystem: ext4, options: [], targetId: opened}
    - {path: /var/lib/trident, filesystem: ext4, options: [], targetId: agent}
  abUpdate:
    volumePairs:
      - {id: esp, volumeAId: esp-a, volumeBId: esp-b}
      - {id: root, volumeAId: root-a, volumeBId: root-b}
      - {id: hash, volumeAId: hash-a, volumeBId: hash-b}
  images:
    - {url: "http://h/esp", sha256: ignored, format: raw-zstd, targetId: esp}
    - url: http://h/root
      sha256: ignored
      format: raw-zstd
      targetId: root
      verityRootHash: 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF
    - {url: "http://h/hash", sha256: ignored, format: raw-zstd, targetId: hash}
    - url: http://h/usr
      sha256: ignored
      format: raw-zstd
      targetId: usr
      verityRootHash: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
    - {url: "http://h/usr-hash", sha256: ignored, format: raw-zstd, targetId: usr-hash}
  verity:
    - {id: verified-root, name: root, dataDeviceId: root, hashDeviceId: hash}
    - {id: verified-usr, name: usr, dataDeviceId: usr, hashDeviceId: usr-hash, corruptionOption: restart}
  overlays:
    - {path: /etc, targetId: data}
    - {path: /var, targetId: opened, persistent: true}
    - {path: /opt, persistent: false}
)";

using test::Changed;

void CheckCases(const std::vector<test::RuleCase>& cases) { test::CheckRules(kDocument, cases); }

constexpr char kRoot[] = "{id: verified-root, name: root, dataDeviceId: root, hashDeviceId: hash}";
constexpr char kEtc[] = "{path: /etc, targetId: data}";
constexpr char kRootDevice[] = "storage.verity[0]";

TEST_CASE("verity devices and overlays are read as they are written") {
  const auto configuration = ParseHostConfiguration(kDocument);
  REQUIRE_OK(configuration);
  const Storage& storage = configuration->storage;
  REQUIRE(storage.verity.size() == 2);
  CHECK(storage.verity[0].corruption_option == CorruptionOption::kPanic);
  CHECK(storage.verity[1].corruption_option == CorruptionOption::kRestart);
  REQUIRE(storage.overlays.size() == 3);
  CHECK(storage.overlays[0] == Overlay{"/etc", "data", true});
  CHECK(storage.overlays[2] == Overlay{"/opt", std::nullopt, false});
  CHECK(FindImage(*configuration, "root")->verity_root_hash == kHash);
  CHECK(DataDeviceOf(*configuration, "verified-root") == "root");
  CHECK(DataDeviceOf(*configuration, "data") == "data");
  const auto again = ParseHostConfiguration(WriteHostConfiguration(*configuration));
  REQUIRE_OK(again);
  CHECK(*again == *configuration);
}

TEST_CASE("a verity device that could not boot or would protect nothing is refused") {
  CheckCases({
      {"another name",
       {{"name: root,", "name: boot,"}},
       {{"storage.verity[0].name", "boot"}, {"storage.overlays[0].path", "needs no overlay"}}},
      {"a name twice",
       {{"name: usr,", "name: root,"}},
       {{"storage.mountPoints[1].path", "not at"},
        {"storage.verity[1].name", "also that of"},
        {"storage.verity[1].dataDeviceId", "cannot hold the data of \"root\""}}},
      {"no such data",
       {{kRoot, "{id: verified-root, name: root, dataDeviceId: none, hashDeviceId: hash}"}},
       {{"storage.images[1].verityRootHash", "no verity device"},
        {"storage.verity[0].dataDeviceId", "nothing has the id"},
        {"storage.verity[0].dataDeviceId", "no image"}}},
      {"one half of a pair as data",
       {{kRoot, "{id: verified-root, name: root, dataDeviceId: root-a, hashDeviceId: hash}"}},
       {{"storage.images[1].verityRootHash", "no verity device"},
        {"storage.verity[0].dataDeviceId", "one half of the volume pair"},
        {"storage.verity[0].dataDeviceId", "no image"}}},
      {"the hashes of a pair on a partition",
       {{"hashDeviceId: hash}", "hashDeviceId: spare}"}},
       {{"storage.verity[0].hashDeviceId", "the data is a volume pair"},
        {"storage.verity[0].hashDeviceId", "no image is for \"spare\""}}},
      {"data and hashes on one device",
       {{"hashDeviceId: usr-hash", "hashDeviceId: usr"}},
       {{"storage.verity[1].hashDeviceId", "part of a verity device already"}}},
      {"data of another type",
       {{"{id: root-a, type: root,", "{id: root-a, type: srv,"},
        {"{id: root-b, type: root,", "{id: root-b, type: srv,"}},
       {{"storage.verity[0].dataDeviceId", "has type \"srv\""}}},
      {"hashes of another type",
       {{"type: usr-verity", "type: root-verity"}},
       {{"storage.verity[1].hashDeviceId", "the hashes of \"usr\" are on \"usr-verity\""}}},
      {"generic data with hashes of a root",
       {{"{id: usr, type: usr,", "{id: usr, type: linux-generic,"}},
       {{"storage.verity[1].hashDeviceId", "are on \"linux-generic\""}}},
      {"encrypted data",
       {{"targetId: vault}", "targetId: usr}"},
        {"type: usr,", "type: linux-generic,"},
        {"type: usr-verity", "type: linux-generic"}},
       {{"storage.encryption.volumes[0].targetId", "overwritten"},
        {"storage.verity[1].dataDeviceId", "is encrypted"}}},
      {"an encrypted volume as data",
       {{"dataDeviceId: usr", "dataDeviceId: opened"}},
       {{"storage.mountPoints[4].targetId", "without being checked"},
        {"storage.images[3].verityRootHash", "no verity device"},
        {"storage.verity[1].dataDeviceId", "is an encrypted volume"},
        {"storage.verity[1].dataDeviceId", "no image"}}},
      {"not mounted",
       {{"targetId: verified-usr", "targetId: spare"}},
       {{"storage.verity[1].id", "is not mounted"}}},
      {"mounted elsewhere",
       {{"path: /usr", "path: /opt/usr"}},
       {{"storage.mountPoints[1].path", "not at \"/usr\""}}},
      {"mounted without being checked",
       {{"targetId: verified-usr", "targetId: usr"}},
       {{"storage.mountPoints[1].targetId", "without being checked"},
        {"storage.verity[1].id", "is not mounted"}}},
      {"mounted to be written",
       {{"options: [ro]", "options: [noatime, rw]"}},
       {{"storage.mountPoints[0].options[1]", "cannot be written"}}},
      {"a file system without a journal to leave alone",
       {{"{path: /usr, filesystem: ext4", "{path: /usr, filesystem: vfat"}},
       {{"storage.mountPoints[1].filesystem", "ext4 or xfs"}}},
      {"no image of the hashes",
       {{"format: raw-zstd, targetId: usr-hash", "format: raw-zstd, targetId: spare"}},
       {{"storage.verity[1].hashDeviceId", "no image is for \"usr-hash\""}}},
      {"no root hash",
       {{"      verityRootHash: 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n",
         ""}},
       {{"storage.images[1]", "root hash is not given"}}},
      {"a root hash that is too short",
       {{"ccddeeff00112233445566778899AABBCCDDEEFF", "ccddeeff"}},
       {{"storage.images[1].verityRootHash", "64 hexadecimal digits"}}},
      {"a root hash of something else",
       {{"targetId: hash}",
         "targetId: hash, verityRootHash: "
         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff}"}},
       {{"storage.images[2].verityRootHash", "no verity device"}}},
      {"a root without a writable /etc",
       {{kEtc, "{path: /srv, targetId: data}"}},
       {{kRootDevice, "/etc/fstab"}}},
      {"what could not be carried over",
       {{"storage:\n",
         "osconfig: {preserve: [/etc/hosts, /srv/x, /opt/x, /var/x, /data/x]}\n"
         "storage:\n"}},
       {{"osconfig.preserve[1]", "cannot be carried over"},
        {"osconfig.preserve[2]", "overlay in memory"}}},
      {"an agent that would be copied into it",
       {{"storage:\n", "management: {selfUpgrade: true}\nstorage:\n"}},
       {{"management.selfUpgrade", "dm-verity"}}},
      {"a datastore that could not be written",
       {{"storage:\n", "management: {datastorePath: /srv/d.sqlite}\nstorage:\n"}},
       {{"management.datastorePath", "verity device"}}},
      {"a member of an array as a pair of its own",
       {{"  encryption:\n",
         "  raid:\n    software:\n      - {id: md, name: md, level: raid1, metadataVersion: 1.0, "
         "devices: [usr, spare]}\n  encryption:\n"}},
       {{"storage.images[3].targetId", "is a member of the array"},
        {"storage.verity[1].dataDeviceId", "is a member of the array"}}},
  });
}

TEST_CASE("an overlay that could not be mounted or would lose what matters is refused") {
  CheckCases({
      {"a mount point",
       {{"path: /opt,", "path: /boot/efi,"}},
       {{"storage.overlays[2].path", "something is mounted"}}},
      {"the root", {{"path: /opt,", "path: /,"}}, {{"storage.overlays[2].path", "whole root"}}},
      {"a folder of the kernel",
       {{"path: /opt,", "path: /run/x,"}},
       {{"storage.overlays[2].path", "not on a disk"}}},
      {"letters with a meaning",
       {{"path: /opt,", "path: \"/o:pt\","}},
       {{"storage.overlays[2].path", "letters, digits"}}},
      {"the same twice",
       {{"path: /opt,", "path: /var/,"}},
       {{"storage.overlays[2].path", "is also the path of"}}},
      {"one below the other",
       {{"path: /opt,", "path: /var/log,"}},
       {{"storage.overlays[2].path", "lies below"}}},
      {"no device",
       {{"{path: /var, targetId: opened,", "{path: /var,"}},
       {{"storage.overlays[1]", "where the changes"}}},
      {"a device for what is in memory",
       {{"path: /opt,", "path: /opt, targetId: data,"}},
       {{"storage.overlays[2].targetId", "in memory"}}},
      {"no such device",
       {{kEtc, "{path: /etc, targetId: dta}"}},
       {{"storage.overlays[0].targetId", "nothing has the id"}}},
      {"a volume pair",
       {{kEtc, "{path: /etc, targetId: esp}"}},
       {{"storage.overlays[0].targetId", "is a volume pair"}}},
      {"a device that is not mounted",
       {{kEtc, "{path: /etc, targetId: spare}"}},
       {{"storage.overlays[0].targetId", "is not mounted"}}},
      {"a file system that cannot do it",
       {{"{path: /data, filesystem: ext4", "{path: /data, filesystem: vfat"}},
       {{"storage.overlays[0].targetId", "file system \"vfat\""}}},
      {"a device that may not be there",
       {{"{path: /data, filesystem: ext4, options: []",
         "{path: /data, filesystem: ext4, options: [nofail]"}},
       {{"storage.overlays[0].targetId", "\"nofail\""}}},
      {"a device that appears below the overlay",
       {{"{path: /data,", "{path: /var/data,"}},
       {{"storage.overlays[0].targetId", "below the overlay"}}},
      {"/etc in memory",
       {{kEtc, "{path: /etc, persistent: false}"}},
       {{"storage.overlays[0].persistent", "lost at the reboot"}}},
      {"/etc on what is not open yet",
       {{kEtc, "{path: /etc, targetId: opened}"}},
       {{"storage.overlays[0].targetId", "is not open yet"}}},
      {"a datastore that an update would leave behind",
       {{"storage:\n", "management: {datastorePath: /opt/d.sqlite}\nstorage:\n"}},
       {{"management.datastorePath", "lies on the overlay"}}},
  });
}

TEST_CASE("/etc of a root that can be written needs no overlay") {
  const auto parsed = ParseHostConfiguration(Changed(
      kDocument,
      {{kRoot, "{id: verified-root, name: root, dataDeviceId: root, hashDeviceId: hash}"},
       {"targetId: verified-root", "targetId: root"},
       {"    - {id: verified-root, name: root, dataDeviceId: root, hashDeviceId: hash}\n", ""},
       {"      verityRootHash: 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n",
        ""}}));
  const auto findings = GetErrorDetail(parsed.status()).findings;
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].path == "storage.overlays[0].path");
}

}  // namespace
}  // namespace trident
