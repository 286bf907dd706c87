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

BlockDeviceId ResolveVolume(const HostStatus& status, const BlockDeviceId& id, Volume volume) {
  if (!status.storage.ab_update) return id;
  const auto& pairs = status.storage.ab_update->volume_pairs;
  const auto pair = pairs.find(id);
  if (pair == pairs.end()) return id;
  return volume == Volume::kA ? pair->second.volume_a_id : pair->second.volume_b_id;
}

}  // namespace trident
