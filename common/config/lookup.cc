#include "common/config/lookup.h"

#include <algorithm>

#include "common/config/path.h"

namespace trident {
namespace {

constexpr uint32_t kSecureBootState = 7;

}  // namespace

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

const EncryptedVolume* FindEncryptedVolume(const HostConfiguration& configuration,
                                           const BlockDeviceId& id) {
  if (!configuration.storage.encryption) return nullptr;
  for (const EncryptedVolume& volume : configuration.storage.encryption->volumes) {
    if (volume.id == id) return &volume;
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

const VerityDevice* FindVerity(const HostConfiguration& configuration, const BlockDeviceId& id) {
  for (const VerityDevice& verity : configuration.storage.verity) {
    if (verity.id == id) return &verity;
  }
  return nullptr;
}

const Image* FindImage(const HostConfiguration& configuration, const BlockDeviceId& target_id) {
  for (const Image& image : configuration.storage.images) {
    if (image.target_id == target_id) return &image;
  }
  return nullptr;
}

const MountPoint* FindMount(const HostConfiguration& configuration, std::string_view path) {
  for (const MountPoint& mount : configuration.storage.mount_points) {
    if (mount.path == path) return &mount;
  }
  return nullptr;
}

const MountPoint* FindMountOf(const HostConfiguration& configuration, std::string_view path) {
  const std::string file = NormalizePath(path);
  const MountPoint* found = nullptr;
  size_t found_length = 0;
  for (const MountPoint& mount : configuration.storage.mount_points) {
    const std::string folder = NormalizePath(mount.path);
    // The path itself is a file, hence below the mount point.
    if (!mount.path.starts_with("/") || folder == file || !IsAtOrBelow(file, folder)) continue;
    if (found != nullptr && folder.size() <= found_length) continue;
    found = &mount;
    found_length = folder.size();
  }
  return found;
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

bool SharesEsp(const HostConfiguration& configuration) {
  const MountPoint* esp = FindEspMount(configuration);
  return configuration.storage.ab_update && esp != nullptr &&
         FindPair(configuration, esp->target_id) == nullptr;
}

bool IsForSharedEsp(const HostConfiguration& configuration, const Image& image) {
  return SharesEsp(configuration) && image.target_id == FindEspMount(configuration)->target_id;
}

bool HoldsOnlySwap(const Storage& storage, const BlockDeviceId& encrypted_volume) {
  // By its id, or by that of its pair.
  const auto means_it = [&](const BlockDeviceId& id) {
    if (id == encrypted_volume) return true;
    if (!storage.ab_update) return false;
    const auto& pairs = storage.ab_update->volume_pairs;
    return std::any_of(pairs.begin(), pairs.end(), [&](const VolumePair& pair) {
      return pair.id == id &&
             (pair.volume_a_id == encrypted_volume || pair.volume_b_id == encrypted_volume);
    });
  };
  for (const Image& image : storage.images) {
    if (means_it(image.target_id)) return false;
  }
  bool is_swap = false;
  for (const MountPoint& mount : storage.mount_points) {
    if (!means_it(mount.target_id)) continue;
    if (mount.filesystem != "swap") return false;
    is_swap = true;
  }
  return is_swap;
}

std::vector<uint32_t> PcrsOf(const EncryptionSettings& encryption) {
  std::vector<uint32_t> pcrs = encryption.pcrs.value_or(std::vector<uint32_t>{kSecureBootState});
  std::sort(pcrs.begin(), pcrs.end());
  return pcrs;
}

bool IsWritten(const Storage& storage, std::string_view path) {
  // What is mounted deepest counts. No overlay is mounted where a file system is.
  size_t deepest = 0;
  bool written = true;
  const auto consider = [&](const std::string& place, bool is_written) {
    const std::string normal = NormalizePath(place);
    if (!IsAtOrBelow(path, normal) || normal.size() < deepest) return;
    deepest = normal.size();
    written = is_written;
  };
  for (const MountPoint& mount : storage.mount_points) {
    if (!mount.path.starts_with("/")) continue;
    consider(mount.path, std::none_of(storage.verity.begin(), storage.verity.end(),
                                      [&](const VerityDevice& verity) {
                                        return verity.id == mount.target_id;
                                      }));
  }
  for (const Overlay& overlay : storage.overlays) consider(overlay.path, overlay.persistent);
  return written;
}

BlockDeviceId DataDeviceOf(const HostConfiguration& configuration, const BlockDeviceId& id) {
  const VerityDevice* verity = FindVerity(configuration, id);
  return verity == nullptr ? id : verity->data_device_id;
}

BlockDeviceId DeviceOn(const HostConfiguration& configuration, const BlockDeviceId& id,
                       Volume volume) {
  const VolumePair* pair = FindPair(configuration, id);
  if (pair == nullptr) return id;
  return volume == Volume::kA ? pair->volume_a_id : pair->volume_b_id;
}

}  // namespace trident
