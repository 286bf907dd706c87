#include "common/config/lookup.h"

namespace trident {

const Disk* FindDisk(const HostConfiguration& configuration, const BlockDeviceId& id) {
  for (const Disk& disk : configuration.storage.disks) {
    if (disk.id == id) return &disk;
  }
  return nullptr;
}

const Partition* FindPartition(const HostConfiguration& configuration, const BlockDeviceId& id) {
  for (const Disk& disk : configuration.storage.disks) {
    for (const Partition& partition : disk.partitions) {
      if (partition.id == id) return &partition;
    }
  }
  return nullptr;
}

const AdoptedPartition* FindAdopted(const HostConfiguration& configuration,
                                    const BlockDeviceId& id) {
  for (const Disk& disk : configuration.storage.disks) {
    for (const AdoptedPartition& partition : disk.adopted_partitions) {
      if (partition.id == id) return &partition;
    }
  }
  return nullptr;
}

const SoftwareRaidArray* FindArray(const HostConfiguration& configuration,
                                   const BlockDeviceId& id) {
  for (const SoftwareRaidArray& array : configuration.storage.raid.software) {
    if (array.id == id) return &array;
  }
  return nullptr;
}

const VolumePair* FindPair(const HostConfiguration& configuration, const BlockDeviceId& id) {
  if (!configuration.storage.ab_update) return nullptr;
  for (const VolumePair& pair : configuration.storage.ab_update->volume_pairs) {
    if (pair.id == id) return &pair;
  }
  return nullptr;
}

const MountPoint* FindMount(const HostConfiguration& configuration, std::string_view path) {
  for (const MountPoint& mount : configuration.storage.mount_points) {
    if (mount.path == path) return &mount;
  }
  return nullptr;
}

const MountPoint* FindEspMount(const HostConfiguration& configuration) {
  for (const MountPoint& mount : configuration.storage.mount_points) {
    BlockDeviceId id = DeviceOn(configuration, mount.target_id, Volume::kA);
    const SoftwareRaidArray* array = FindArray(configuration, id);
    if (array != nullptr && !array->devices.empty()) id = array->devices.front();
    const Partition* partition = FindPartition(configuration, id);
    if (partition != nullptr && partition->type == PartitionType::kEsp) return &mount;
  }
  return nullptr;
}

BlockDeviceId DeviceOn(const HostConfiguration& configuration, const BlockDeviceId& id,
                       Volume volume) {
  const VolumePair* pair = FindPair(configuration, id);
  if (pair == nullptr) return id;
  return volume == Volume::kA ? pair->volume_a_id : pair->volume_b_id;
}

}  // namespace trident
