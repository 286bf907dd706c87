// Looks up the block devices of a Host Configuration by id. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_STORAGE_INDEX_H_
#define TRIDENT_COMMON_CONFIG_STORAGE_INDEX_H_

#include <map>
#include <string>
#include <string_view>

#include "common/config/finding_list.h"
#include "common/config/host_configuration.h"

namespace trident {

enum class DeviceKind {
  kDisk,
  kPartition,
  kRaidArray,
  kEncryptedVolume,
  kVolumePair,
  kVerityDevice
};

std::string_view DeviceKindName(DeviceKind kind);  // "a volume pair"

// Of what the id stands for; pointers into the storage that the index was made from.
struct IndexedDevice {
  DeviceKind kind = DeviceKind::kDisk;
  std::string path;                      // in the document, of the mapping that declares the id
  const Partition* partition = nullptr;  // of a partition that is to be made
  const SoftwareRaidArray* array = nullptr;
  const VolumePair* pair = nullptr;
};

class StorageIndex {
 public:
  // Reports ids that are declared twice; the first one counts. `storage` must outlive the index.
  StorageIndex(const Storage& storage, const std::string& path, FindingList& findings);

  // Null when nothing has this id.
  const IndexedDevice* Find(const BlockDeviceId& id) const;

  // The reader took all targets of mount points: what none refers to is not mounted.
  bool knows_mounts() const { return knows_mounts_; }

  // Resolves what `referrer`, a place in the document, refers to. Null, with a finding, when there
  // is nothing with this id; null without one when that would only be a consequence.
  const IndexedDevice* Resolve(const BlockDeviceId& id, const std::string& referrer,
                               FindingList& findings) const;

 private:
  void Declare(const BlockDeviceId& id, IndexedDevice device, FindingList& findings);

  std::map<BlockDeviceId, IndexedDevice> devices_;
  bool knows_ids_ = true;  // the reader took everything that declares an id
  bool knows_mounts_ = true;
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_STORAGE_INDEX_H_
