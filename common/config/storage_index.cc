#include "common/config/storage_index.h"

#include <utility>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"

namespace trident {

std::string_view DeviceKindName(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::kDisk:
      return "a disk";
    case DeviceKind::kPartition:
      return "a partition";
    case DeviceKind::kRaidArray:
      return "a RAID array";
    case DeviceKind::kEncryptedVolume:
      return "an encrypted volume";
    case DeviceKind::kVolumePair:
      return "a volume pair";
    case DeviceKind::kVerityDevice:
      return "a verity device";
  }
  return "a block device";
}

StorageIndex::StorageIndex(const Storage& storage, const std::string& path, FindingList& findings) {
  for (size_t i = 0; i < storage.disks.size(); ++i) {
    const Disk& disk = storage.disks[i];
    const std::string disk_path = StrCat(path, ".disks[", i, "]");
    Declare(disk.id, {.kind = DeviceKind::kDisk, .path = disk_path}, findings);
    for (size_t j = 0; j < disk.partitions.size(); ++j) {
      Declare(disk.partitions[j].id,
              {.kind = DeviceKind::kPartition,
               .path = StrCat(disk_path, ".partitions[", j, "]"),
               .partition = &disk.partitions[j]},
              findings);
    }
    for (size_t j = 0; j < disk.adopted_partitions.size(); ++j) {
      Declare(disk.adopted_partitions[j].id,
              {.kind = DeviceKind::kPartition,
               .path = StrCat(disk_path, ".adoptedPartitions[", j, "]")},
              findings);
    }
  }
  if (storage.encryption) {
    const auto& volumes = storage.encryption->volumes;
    for (size_t i = 0; i < volumes.size(); ++i) {
      Declare(volumes[i].id,
              {.kind = DeviceKind::kEncryptedVolume,
               .path = StrCat(path, ".encryption.volumes[", i, "]")},
              findings);
    }
  }
  for (size_t i = 0; i < storage.raid.software.size(); ++i) {
    Declare(storage.raid.software[i].id,
            {.kind = DeviceKind::kRaidArray,
             .path = StrCat(path, ".raid.software[", i, "]"),
             .array = &storage.raid.software[i]},
            findings);
  }
  if (storage.ab_update) {
    const auto& pairs = storage.ab_update->volume_pairs;
    for (size_t i = 0; i < pairs.size(); ++i) {
      Declare(pairs[i].id,
              {.kind = DeviceKind::kVolumePair,
               .path = StrCat(path, ".abUpdate.volumePairs[", i, "]"),
               .pair = &pairs[i]},
              findings);
    }
  }
  for (size_t i = 0; i < storage.verity.size(); ++i) {
    Declare(storage.verity[i].id,
            {.kind = DeviceKind::kVerityDevice, .path = StrCat(path, ".verity[", i, "]")},
            findings);
  }
  for (const char* section : {".disks", ".encryption", ".raid", ".abUpdate", ".verity"}) {
    if (findings.IsIncomplete(path + section)) knows_ids_ = false;
  }
  knows_mounts_ = findings.KnowsAll(path + ".mountPoints", storage.mount_points.size(), "targetId");
}

void StorageIndex::Declare(const BlockDeviceId& id, IndexedDevice device, FindingList& findings) {
  const std::string id_path = device.path + ".id";
  if (findings.Failed(id_path)) return;
  const auto [first, is_new] = devices_.emplace(id, std::move(device));
  if (is_new) return;
  findings.Add(id_path,
               StrCat("the id \"", Shorten(id), "\" is used twice, first for ",
                      DeviceKindName(first->second.kind), " at ", first->second.path),
               "Give every disk, partition, array, encrypted volume, volume pair and verity device "
               "an id of its own.");
}

const IndexedDevice* StorageIndex::Find(const BlockDeviceId& id) const {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

const IndexedDevice* StorageIndex::Resolve(const BlockDeviceId& id, const std::string& referrer,
                                           FindingList& findings) const {
  if (findings.Failed(referrer)) return nullptr;
  const IndexedDevice* const device = Find(id);
  // With a part of the document unread, the id may well be declared there.
  if (device == nullptr && knows_ids_) {
    findings.Add(referrer, StrCat("nothing has the id \"", Shorten(id), "\""),
                 "Refer to the id of a block device of this document, or declare it.");
  }
  return device;
}

}  // namespace trident
