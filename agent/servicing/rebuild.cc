#include "agent/servicing/rebuild.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/config/lookup.h"
#include "common/config/partition_type.h"

namespace trident {
namespace {

// The backup of a GPT and its last, unusable MiB.
constexpr uint64_t kTableRoom = 1 << 20;

class Finder {
 public:
  Finder(const HostConfiguration& desired, const HostStatus& status, const Observation& observed)
      : desired_(desired), status_(status), observed_(observed) {}

  Rebuild Find() {
    if (!observed_.arrays.ok()) {
      rebuild_.obstacles.push_back(
          absl::StrCat("The arrays cannot be looked at, so that none is rebuilt: ",
                       std::string(observed_.arrays.status().message())));
      return std::move(rebuild_);
    }
    for (const auto& [id, array] : status_.storage.raid_arrays) {
      if (array.status == RaidArrayStatus::State::kFailed) {
        rebuild_.obstacles.push_back(
            absl::StrCat("The array '", id,
                         "' does not run: what it held cannot be brought back by a rebuild."));
      } else if (array.status == RaidArrayStatus::State::kDegraded) {
        CheckArray(id, array);
      }
    }
    return std::move(rebuild_);
  }

 private:
  void CheckArray(const BlockDeviceId& id, const RaidArrayStatus& array) {
    bool gets_members = false;
    for (const std::string& path : array.device_paths) {
      for (const auto& [disk_id, disk] : status_.storage.disks) {
        for (const PartitionStatus& partition : disk.partitions) {
          if (partition.path != path) continue;
          if (CanJoin(id, disk_id, disk, partition)) gets_members = true;
        }
      }
    }
    if (gets_members) rebuild_.arrays.push_back(id);
  }

  // The member is away and can come back.
  bool CanJoin(const BlockDeviceId& array, const BlockDeviceId& disk_id, const DiskStatus& disk,
               const PartitionStatus& partition) {
    const auto found = observed_.disks.find(disk_id);
    if (found == observed_.disks.end() || !found->second.ok()) {
      rebuild_.obstacles.push_back(
          absl::StrCat("The array '", array, "' lacks the disk '", disk_id, "'",
                       found == observed_.disks.end()
                           ? std::string(", which the document does not name.")
                           : absl::StrCat(": ", std::string(found->second.status().message()))));
      return false;
    }
    for (const ObservedPartition& seen : found->second->partitions) {
      if (seen.entry.uuid == partition.uuid) return !IsMember(seen.path);
    }
    return TakesPlace(array, disk_id, disk, *found->second);
  }

  bool IsMember(const std::string& path) const {
    return std::any_of(
        observed_.arrays->begin(), observed_.arrays->end(), [&](const ObservedArray& array) {
          return std::any_of(array.members.begin(), array.members.end(),
                             [&](const ArrayMember& member) { return member.path == path; });
        });
  }

  // The disk is a blank one that can take over; it is then on the list.
  bool TakesPlace(const BlockDeviceId& array, const BlockDeviceId& disk_id, const DiskStatus& disk,
                  const ObservedDisk& observed) {
    if (std::find(rebuild_.disks.begin(), rebuild_.disks.end(), disk_id) != rebuild_.disks.end()) {
      return true;
    }
    const std::optional<std::string> reason = WhyNot(disk, observed);
    if (reason) {
      rebuild_.obstacles.push_back(absl::StrCat("The array '", array, "' could use ", observed.path,
                                                " in the place of the disk '", disk_id, "', but ",
                                                *reason, "."));
      return false;
    }
    rebuild_.disks.push_back(disk_id);
    for (const PartitionStatus& partition : disk.partitions) {
      if (NeedsFilesystem(partition.id)) rebuild_.filesystems.push_back(partition.id);
    }
    return true;
  }

  std::optional<std::string> WhyNot(const DiskStatus& disk, const ObservedDisk& observed) const {
    if (observed.table) {
      return absl::StrCat("it has a partition table (erase it with wipefs -a ", observed.path,
                          " if nothing on it is needed)");
    }
    if (!observed.other_contents.empty()) {
      return absl::StrCat("it holds ", observed.other_contents, " (erase it with wipefs -a ",
                          observed.path, " if nothing on it is needed)");
    }
    if (!observed.users.empty()) return absl::StrCat("it is in use: ", observed.users.front());
    if (observed.read_only) return "it is read-only";
    uint64_t end = 0;
    for (const PartitionStatus& partition : disk.partitions) end = std::max(end, partition.end);
    if (observed.size < end + kTableRoom) {
      return absl::StrCat("it has ", observed.size, " bytes and ", end + kTableRoom, " are needed");
    }
    for (const PartitionStatus& partition : disk.partitions) {
      if (FindAdopted(desired_, partition.id) != nullptr) {
        return absl::StrCat("'", partition.id,
                            "' of the lost disk was adopted, so that what it "
                            "held is not known");
      }
      if (IsEncrypted(partition.id)) {
        return absl::StrCat("'", partition.id,
                            "' of the lost disk was encrypted, which is done at "
                            "an installation only");
      }
      if (IsActive(partition.id)) {
        return absl::StrCat("'", partition.id,
                            "' of the lost disk was no array and belongs to the "
                            "volume that runs: install the host anew");
      }
    }
    return std::nullopt;
  }

  bool IsEncrypted(const BlockDeviceId& id) const {
    if (!desired_.storage.encryption) return false;
    const auto& volumes = desired_.storage.encryption->volumes;
    return std::any_of(volumes.begin(), volumes.end(), [&](const EncryptedVolume& volume) {
      return volume.target_id == id && !HoldsOnlySwap(desired_.storage, volume.id);
    });
  }

  // Of the running volume, or used by both.
  bool IsActive(const BlockDeviceId& id) const {
    const auto& ab = status_.storage.ab_update;
    for (const Image& image : desired_.storage.images) {
      if (image.target_id == id) return true;
      if (ab && ab->active_volume &&
          DeviceOn(desired_, image.target_id, *ab->active_volume) == id) {
        return true;
      }
    }
    return false;
  }

  bool NeedsFilesystem(const BlockDeviceId& id) const {
    const auto& mounts = desired_.storage.mount_points;
    return std::any_of(mounts.begin(), mounts.end(),
                       [&](const MountPoint& mount) { return mount.target_id == id; });
  }

  const HostConfiguration& desired_;
  const HostStatus& status_;
  const Observation& observed_;
  Rebuild rebuild_;
};

}  // namespace

Rebuild FindRebuild(const HostConfiguration& desired, const HostStatus& status,
                    const Observation& observed) {
  return Finder(desired, status, observed).Find();
}

PartitionTable RecordedTable(const DiskStatus& disk) {
  PartitionTable table;
  table.disk_uuid = disk.uuid;
  for (const PartitionStatus& partition : disk.partitions) {
    TablePartition entry;
    entry.uuid = partition.uuid;
    entry.type_guid = PartitionTypeGuid(partition.type, ThisArchitecture());
    entry.name = partition.id;
    entry.start = partition.start;
    entry.size = partition.end - partition.start;
    entry.number = static_cast<uint32_t>(table.partitions.size() + 1);
    table.partitions.push_back(std::move(entry));
  }
  return table;
}

}  // namespace trident
