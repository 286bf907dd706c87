#include "common/status/host_status.h"

namespace trident {
namespace {

template <typename Status>
auto FindPartitionIn(Status& status, const BlockDeviceId& id)
    -> decltype(status.storage.disks.begin()->second.partitions.data()) {
  for (auto& [disk_id, disk] : status.storage.disks) {
    for (auto& partition : disk.partitions) {
      if (partition.id == id) return &partition;
    }
  }
  return nullptr;
}

}  // namespace

const PartitionStatus* FindPartition(const HostStatus& status, const BlockDeviceId& id) {
  return FindPartitionIn(status, id);
}

PartitionStatus* FindPartition(HostStatus& status, const BlockDeviceId& id) {
  return FindPartitionIn(status, id);
}

std::optional<RecordedDevice> FindDevice(const HostStatus& status, const BlockDeviceId& id) {
  if (const PartitionStatus* partition = FindPartition(status, id)) {
    return RecordedDevice{id, partition->path, partition->uuid, partition->end - partition->start,
                          partition->contents};
  }
  const StorageStatus& storage = status.storage;
  if (const auto array = storage.raid_arrays.find(id); array != storage.raid_arrays.end()) {
    return RecordedDevice{id, array->second.path, "", array->second.array_size,
                          array->second.contents};
  }
  if (const auto volume = storage.encrypted_volumes.find(id);
      volume != storage.encrypted_volumes.end()) {
    return RecordedDevice{id, "/dev/mapper/" + volume->second.device_name, "", volume->second.size,
                          volume->second.contents};
  }
  if (const auto verity = storage.verity_devices.find(id); verity != storage.verity_devices.end()) {
    return RecordedDevice{id, "/dev/mapper/" + verity->second.device_name, "", 0, Contents{}};
  }
  return std::nullopt;
}

Contents* FindContents(HostStatus& status, const BlockDeviceId& id) {
  if (PartitionStatus* partition = FindPartition(status, id)) return &partition->contents;
  StorageStatus& storage = status.storage;
  if (const auto array = storage.raid_arrays.find(id); array != storage.raid_arrays.end()) {
    return &array->second.contents;
  }
  if (const auto volume = storage.encrypted_volumes.find(id);
      volume != storage.encrypted_volumes.end()) {
    return &volume->second.contents;
  }
  return nullptr;
}

BlockDeviceId ResolveVolume(const HostStatus& status, const BlockDeviceId& id, Volume volume) {
  if (!status.storage.ab_update) return id;
  const auto& pairs = status.storage.ab_update->volume_pairs;
  const auto pair = pairs.find(id);
  if (pair == pairs.end()) return id;
  return volume == Volume::kA ? pair->second.volume_a_id : pair->second.volume_b_id;
}

}  // namespace trident
