#include "tests/agent/storage/storage_world.h"

namespace trident::test {

std::string PartUuid(int digit) {
  return "a0000000-0000-4000-8000-00000000000" + std::to_string(digit);
}

StorageWorld::StorageWorld() {
  Storage& storage = configuration.storage;
  storage.ab_update = AbUpdate{{{"root", "root-a", "root-b"}, {"esp", "esp-a", "esp-b"}}};
  storage.mount_points = {
      {"/boot/efi", "vfat", {"umask=0077"}, "esp"},
      {"/var/lib/data", "ext4", {}, "data"},
      {"/", "ext4", {"defaults", "ro", "x-systemd.growfs"}, "root"},
      {"none", "swap", {"sw"}, "swap"},
  };
  DiskStatus& disk = status.storage.disks["disk1"];
  int digit = 0;
  for (const char* id : {"esp-a", "esp-b", "root-a", "root-b", "data", "swap"}) {
    PartitionStatus partition;
    partition.id = id;
    partition.uuid = PartUuid(++digit);
    partition.path = "/dev/disk/by-partuuid/" + partition.uuid;
    disk.partitions.push_back(partition);
  }
}

}  // namespace trident::test
