#include "agent/servicing/disk_claims.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/host/encryption.h"
#include "agent/storage/layout.h"
#include "agent/storage/raid.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

// Old arrays on the disks of the document: removed, or refused by name.
class ArrayClaims {
 public:
  ArrayClaims(const HostConfiguration& desired, const Observation& observed, DiskClaims& claims,
              Refusals& refusals)
      : claims_(claims), refusals_(refusals) {
    for (const Disk& disk : desired.storage.disks) {
      const auto found = observed.disks.find(disk.id);
      if (found != observed.disks.end() && found->second.ok()) {
        disks_.insert((*found->second).path);
      }
    }
    if (!observed.arrays.ok()) {
      refusals_.Failed("storage.disks", observed.arrays.status());
      return;
    }
    for (const ObservedArray& array : *observed.arrays) Claim(array);
  }

  // A use of a disk or partition that an array explains about which everything is said.
  bool Explains(std::string_view user) const {
    return std::any_of(holders_.begin(), holders_.end(), [user](const std::string& holder) {
      return user == holder || user.starts_with(holder + ",");
    });
  }

 private:
  void Claim(const ObservedArray& array) {
    std::set<std::string> foreign;
    std::vector<std::string> members;
    bool ours = false;
    for (const ArrayMember& member : array.members) {
      members.push_back(member.path);
      if (disks_.contains(member.disk)) {
        ours = true;
      } else {
        foreign.insert(member.disk);
      }
    }
    if (!ours) return;
    holders_.push_back(HeldBy(array.path));
    if (!foreign.empty()) {
      refusals_.Precondition(
          "storage", "array-spans-foreign-disk", "storage.disks",
          absl::StrCat("the RAID array ", array.path, " also lies on ",
                       absl::StrJoin(foreign, ", "), ", which the document does not name"),
          "Name that disk too, or take the array apart (mdadm --stop, mdadm --zero-superblock).");
      return;
    }
    if (!array.users.empty()) {
      refusals_.Precondition(
          "storage", "array-in-use", "storage.disks",
          absl::StrCat("the RAID array ", array.path,
                       " on the disks is in use: ", absl::StrJoin(array.users, ", ")),
          "Unmount it and stop what uses it, or name other disks.");
      return;
    }
    claims_.old_arrays.push_back(array.path);
    claims_.destroyed.push_back(
        {array.path, absl::StrCat("RAID array of ", absl::StrJoin(members, ", "))});
  }

  DiskClaims& claims_;
  Refusals& refusals_;
  std::set<std::string> disks_;
  std::vector<std::string> holders_;
};

void ClaimDisk(const Disk& disk, const std::string& path, const ObservedDisk& observed,
               const ArrayClaims& arrays, DiskClaims& claims, Refusals& refusals) {
  if (observed.read_only) {
    refusals.Precondition("storage", "disk-read-only", path + ".device",
                          absl::StrCat(observed.path, " is read-only"),
                          "Remove the write protection, or name another disk.");
  }
  // UUIDs belong to a job; sizes do not depend on them.
  const auto layout = MakeLayout(disk, observed, [](const std::string&) {
    return std::string("00000000-0000-0000-0000-000000000000");
  });
  std::set<std::string> kept;  // UUIDs of adopted partitions
  if (layout.ok()) {
    for (const TablePartition& entry : layout->partitions) {
      if (entry.kept_as.empty()) continue;
      kept.insert(entry.uuid);
      claims.kept[entry.kept_as] = entry.uuid;
    }
  }
  std::vector<std::string> users;
  for (const std::string& user : observed.users) {
    if (!arrays.Explains(user)) users.push_back(user);
  }
  for (const ObservedPartition& partition : observed.partitions) {
    for (const std::string& user : partition.users) {
      if (!arrays.Explains(user)) users.push_back(absl::StrCat(partition.path, " is ", user));
    }
    if (kept.contains(partition.entry.uuid)) continue;
    const std::string what =
        partition.signature.type.empty() ? "unknown contents" : partition.signature.type;
    claims.destroyed.push_back(
        {partition.path, absl::StrCat("partition '", partition.entry.name, "', ", what)});
  }
  if (!users.empty()) {
    refusals.Precondition("storage", "disk-in-use", path + ".device",
                          absl::StrCat(observed.path, " is in use: ", absl::StrJoin(users, ", ")),
                          "Unmount it and stop what uses it, or name another disk.");
  }
  claims.destroyed.push_back({observed.path, kept.empty()
                                                 ? "partition table and everything on the disk"
                                                 : "partition table; adopted partitions are kept"});
  if (!layout.ok()) {
    refusals.Failed(path, layout.status());
    return;
  }
  for (size_t p = 0; p < layout->partitions.size(); ++p) {
    const TablePartition& entry = layout->partitions[p];
    claims.sizes[entry.kept_as.empty() ? disk.partitions[p].id : entry.kept_as] = entry.size;
  }
}

// Adopted partitions that are mounted: they must be there, with the file system that is expected.
void CheckAdoptedMounts(const HostConfiguration& desired, const Observation& observed,
                        const DiskClaims& claims, Refusals& refusals) {
  for (size_t i = 0; i < desired.storage.mount_points.size(); ++i) {
    const MountPoint& mount = desired.storage.mount_points[i];
    if (FindAdopted(desired, mount.target_id) == nullptr) continue;
    const std::string path = absl::StrCat("storage.mountPoints[", i, "]");
    const auto kept = claims.kept.find(mount.target_id);
    if (kept == claims.kept.end()) {
      refusals.Precondition("storage", "adoption-no-match", path + ".targetId",
                            absl::StrCat("the adopted partition '", mount.target_id,
                                         "', which is mounted at ", mount.path, ", is not there"),
                            "Leave the mount point out, or correct what it is known by.");
      continue;
    }
    for (const auto& [id, disk] : observed.disks) {
      if (!disk.ok()) continue;
      for (const ObservedPartition& partition : disk->partitions) {
        if (partition.entry.uuid != kept->second || partition.signature.type == mount.filesystem) {
          continue;
        }
        refusals.Precondition(
            "storage", "adoption-filesystem", path + ".filesystem",
            absl::StrCat("the adopted partition '", mount.target_id, "' (", partition.path,
                         ") holds ",
                         partition.signature.type.empty() ? "no file system that is known"
                                                          : partition.signature.type,
                         ", not ", mount.filesystem),
            "Name the file system that it has; adopted partitions are not formatted.");
      }
    }
  }
}

void ClaimEncryptedVolumes(const Storage& storage, const EncryptionSettings& encryption,
                           DiskClaims& claims, Refusals& refusals) {
  for (size_t i = 0; i < encryption.volumes.size(); ++i) {
    const EncryptedVolume& volume = encryption.volumes[i];
    const auto target = claims.sizes.find(volume.target_id);
    // Swap has no header.
    if (target == claims.sizes.end() || HoldsOnlySwap(storage, volume.id)) continue;
    if (target->second <= kLuksHeaderBytes) {
      refusals.Precondition(
          "encryption", "too-small", absl::StrCat("storage.encryption.volumes[", i, "].targetId"),
          absl::StrCat("'", volume.target_id, "' has ", target->second,
                       " bytes, of which the header alone takes ", kLuksHeaderBytes),
          "Make what is encrypted larger.");
      continue;
    }
    claims.sizes[volume.id] = target->second - kLuksHeaderBytes;
  }
}

}  // namespace

DiskClaims ClaimDisks(const HostConfiguration& desired, const Observation& observed,
                      Refusals& refusals) {
  DiskClaims claims;
  const ArrayClaims arrays(desired, observed, claims, refusals);
  std::set<std::string> seen;
  for (size_t i = 0; i < desired.storage.disks.size(); ++i) {
    const Disk& disk = desired.storage.disks[i];
    const std::string path = absl::StrCat("storage.disks[", i, "]");
    const auto found = observed.disks.find(disk.id);
    if (found == observed.disks.end()) continue;
    if (!found->second.ok()) {
      refusals.Failed(path + ".device", found->second.status());
      continue;
    }
    const ObservedDisk& observed_disk = *found->second;
    if (!seen.insert(observed_disk.path).second) {
      refusals.Precondition("storage", "disk-named-twice", path + ".device",
                            absl::StrCat(disk.device, " is ", observed_disk.path,
                                         ", which another disk of the document is too"),
                            "Name every disk once.");
    }
    ClaimDisk(disk, path, observed_disk, arrays, claims, refusals);
  }
  CheckAdoptedMounts(desired, observed, claims, refusals);
  for (const SoftwareRaidArray& array : desired.storage.raid.software) {
    if (array.devices.empty()) continue;
    const auto member = claims.sizes.find(array.devices.front());
    if (member == claims.sizes.end()) continue;
    claims.sizes[array.id] = ArraySize(array.level, member->second, array.devices.size());
  }
  if (desired.storage.encryption) {
    ClaimEncryptedVolumes(desired.storage, *desired.storage.encryption, claims, refusals);
  }
  return claims;
}

DeviceSizes RecordedSizes(const HostStatus& status) {
  DeviceSizes sizes;
  const auto add = [&](const BlockDeviceId& id) {
    const auto device = FindDevice(status, id);
    if (device && device->size > 0) sizes[id] = device->size;
  };
  for (const auto& [id, disk] : status.storage.disks) {
    for (const PartitionStatus& partition : disk.partitions) add(partition.id);
  }
  for (const auto& [id, array] : status.storage.raid_arrays) add(id);
  for (const auto& [id, volume] : status.storage.encrypted_volumes) add(id);
  return sizes;
}

}  // namespace trident
