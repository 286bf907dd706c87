#include "tests/agent/servicing/worlds.h"

#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/servicing/planner.h"
#include "common/config/document.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;

std::string HashOf(char digit) { return std::string(64, digit); }

ImageFacts Facts() {
  ImageFacts facts;
  facts.fetch_bytes = 30 * kMiB;
  facts.content_bytes = 100 * kMiB;
  facts.validator = "\"v\"";
  return facts;
}

}  // namespace

std::string DocumentText(int version) {
  return absl::StrReplaceAll(R"(
management: {enableGrpc: true, datastorePath: /var/lib/trident/datastore.sqlite}
storage:
  disks:
    - id: disk
      device: /dev/vda
      partitionTableType: gpt
      partitions:
        - {id: esp-a, type: esp, size: 256M}
        - {id: esp-b, type: esp, size: 256M}
        - {id: root-a, type: root, size: 1G}
        - {id: root-b, type: root, size: 1G}
        - {id: trident, type: linux-generic, size: 128M}
        - {id: home, type: home, size: grow}
  mountPoints:
    - {path: /, filesystem: ext4, options: [defaults], targetId: root}
    - {path: /boot/efi, filesystem: vfat, options: [umask=0077], targetId: esp}
    - {path: /var/lib/trident, filesystem: ext4, options: [defaults], targetId: trident}
    - {path: /home, filesystem: ext4, options: [defaults], targetId: home}
  abUpdate:
    volumePairs:
      - {id: esp, volumeAId: esp-a, volumeBId: esp-b}
      - {id: root, volumeAId: root-a, volumeBId: root-b}
  images:
    - {url: 'http://10.0.2.2/esp_vN.raw.zst', sha256: ESPHASH, format: raw-zstd, targetId: esp}
    - {url: 'http://10.0.2.2/root_vN.raw.zst', sha256: ROOTHASH, format: raw-zstd, targetId: root}
)",
                             {{"vN", absl::StrCat("v", version)},
                              {"ESPHASH", HashOf(static_cast<char>('0' + version))},
                              {"ROOTHASH", HashOf(static_cast<char>('a' + version))}});
}

HostConfiguration Document(int version) {
  auto document = ParseHostConfiguration(DocumentText(version));
  if (!document.ok()) throw std::runtime_error(document.status().ToString());
  return *std::move(document);
}

Observation BareMachine(const HostConfiguration& desired) {
  Observation observed;
  observed.is_root = true;
  observed.booted_from_ramdisk = true;
  observed.firmware_available = true;
  ObservedDisk disk;
  disk.path = "/dev/vda";
  disk.size = 8192 * kMiB;
  observed.disks.emplace("disk", disk);
  for (size_t i = 0; i < desired.storage.images.size(); ++i) observed.images.emplace(i, Facts());
  return observed;
}

Recorded InstalledHost(int version, Volume active) {
  Recorded recorded;
  recorded.configuration = Document(version);
  const Storage& storage = recorded.configuration->storage;
  DiskStatus disk;
  disk.path = "/dev/vda";
  uint64_t start = kMiB;
  for (const Partition& partition : storage.disks[0].partitions) {
    const uint64_t size = partition.size.grow ? 4096 * kMiB : partition.size.bytes;
    PartitionStatus status;
    status.id = partition.id;
    status.start = start;
    status.end = start + size;
    status.type = partition.type;
    status.path = absl::StrCat("/dev/disk/by-partuuid/", partition.id);
    status.contents.kind = Contents::Kind::kInitialized;
    disk.partitions.push_back(status);
    start += size;
  }
  recorded.status.storage.disks["disk"] = disk;
  AbUpdateStatus ab;
  for (const VolumePair& pair : storage.ab_update->volume_pairs) {
    ab.volume_pairs[pair.id] = {pair.volume_a_id, pair.volume_b_id};
  }
  ab.active_volume = active;
  recorded.status.storage.ab_update = ab;
  for (const Image& image : storage.images) {
    PartitionStatus* partition =
        FindPartition(recorded.status, ResolveVolume(recorded.status, image.target_id, active));
    partition->contents = {.kind = Contents::Kind::kImage,
                           .sha256 = image.sha256.hex,
                           .length = 100 * kMiB,
                           .url = image.url,
                           .image_filesystem_uuid = ""};
  }
  return recorded;
}

Observation RunningMachine(const HostConfiguration& desired, Volume active) {
  Observation observed = BareMachine(desired);
  observed.booted_from_ramdisk = false;
  observed.booted = active == Volume::kA ? BootedVolume::kA : BootedVolume::kB;
  for (auto& [id, disk] : observed.disks) disk->users = {"mounted at /"};
  return observed;
}

}  // namespace trident::test
