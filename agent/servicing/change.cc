#include "agent/servicing/change.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/servicing/os_change.h"
#include "agent/servicing/store_move.h"
#include "common/config/document.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

void Raise(Change& change, ServicingKind kind) { change.kind = std::max(change.kind, kind); }

void Refuse(Change& change, std::string path, std::string reason, std::string remedy) {
  Raise(change, ServicingKind::kIncompatible);
  change.incompatible.push_back({std::move(path), 0, 0, std::move(reason), std::move(remedy)});
}

constexpr char kInstallAnew[] =
    "Keep the field as it is on the host, or install the host anew from a ramdisk OS.";

void CompareDisks(const Storage& desired, const Storage& recorded, Change& change) {
  if (desired.disks.size() != recorded.disks.size()) {
    Refuse(change, "storage.disks", "the number of disks of an installed host cannot change",
           kInstallAnew);
    return;
  }
  for (size_t i = 0; i < desired.disks.size(); ++i) {
    const Disk& now = desired.disks[i];
    const Disk& before = recorded.disks[i];
    const std::string path = absl::StrCat("storage.disks[", i, "]");
    if (now.id != before.id)
      Refuse(change, path + ".id", "a disk's id cannot change", kInstallAnew);
    if (now.device != before.device) change.moved_disks.push_back(i);
    if (now.partitions != before.partitions) {
      Refuse(change, path + ".partitions", "the partitions of an installed disk cannot change",
             kInstallAnew);
    }
    if (now.adopted_partitions != before.adopted_partitions) {
      Refuse(change, path + ".adoptedPartitions", "adopted partitions cannot change", kInstallAnew);
    }
  }
}

void CompareMountPoints(const Storage& desired, const Storage& recorded, Change& change) {
  if (desired.mount_points == recorded.mount_points) return;
  const auto same_device = [](const MountPoint& a, const MountPoint& b) {
    return a.target_id == b.target_id && a.filesystem == b.filesystem;
  };
  for (size_t i = 0; i < desired.mount_points.size(); ++i) {
    const MountPoint& now = desired.mount_points[i];
    const bool known = std::any_of(recorded.mount_points.begin(), recorded.mount_points.end(),
                                   [&](const MountPoint& m) { return same_device(now, m); });
    if (!known) {
      Refuse(
          change, absl::StrCat("storage.mountPoints[", i, "]"),
          absl::StrCat("block device '", now.target_id, "' was not installed as ", now.filesystem),
          kInstallAnew);
    }
  }
  // Paths, options and removed mounts live in /etc/fstab, which an A/B update writes.
  Raise(change, ServicingKind::kAbUpdate);
}

void CompareVerity(const Storage& desired, const Storage& recorded, Change& change) {
  std::vector<VerityDevice> now = desired.verity;
  std::vector<VerityDevice> before = recorded.verity;
  for (auto* list : {&now, &before}) {
    for (VerityDevice& verity : *list) verity.corruption_option = CorruptionOption::kPanic;
  }
  if (now != before) {
    Refuse(change, "storage.verity", "the verity devices of an installed host cannot change",
           kInstallAnew);
  }
  // The kernel's command line and /etc/fstab of the new system say these.
  if (desired.verity != recorded.verity || desired.overlays != recorded.overlays) {
    Raise(change, ServicingKind::kAbUpdate);
  }
  for (const Image& image : desired.images) {
    const auto same =
        std::find_if(recorded.images.begin(), recorded.images.end(),
                     [&](const Image& other) { return other.target_id == image.target_id; });
    if (same != recorded.images.end() && same->verity_root_hash != image.verity_root_hash) {
      Raise(change, ServicingKind::kAbUpdate);
    }
  }
}

// Of an ESP that both volumes share, only the loader of each volume is there: what counts is what
// the host was last brought to.
bool IsInstalledLoader(const Image& image, const HostConfiguration& recorded) {
  return std::any_of(recorded.storage.images.begin(), recorded.storage.images.end(),
                     [&](const Image& before) {
                       return before.target_id == image.target_id && before.url == image.url &&
                              before.sha256 == image.sha256;
                     });
}

void CompareImages(const HostConfiguration& desired, const HostConfiguration& recorded,
                   const HostStatus& status, Change& change) {
  for (size_t i = 0; i < desired.storage.images.size(); ++i) {
    const Image& image = desired.storage.images[i];
    const bool shared = IsForSharedEsp(desired, image);
    if (shared ? IsInstalledLoader(image, recorded) : IsDeployed(image, status)) continue;
    const bool in_pair = status.storage.ab_update &&
                         status.storage.ab_update->volume_pairs.contains(image.target_id);
    if (in_pair || shared) {
      Raise(change, ServicingKind::kAbUpdate);
    } else {
      Refuse(change, absl::StrCat("storage.images[", i, "]"),
             absl::StrCat("the image is for '", image.target_id,
                          "', which is not an A/B volume pair, so that it cannot be replaced while "
                          "the host runs"),
             "Target a volume pair, or keep the image that was installed.");
    }
  }
}

void CompareStorePlace(const HostConfiguration& desired, const HostConfiguration& recorded,
                       Change& change) {
  // No agent will look for it.
  if (desired.management.disable || StoreMoveOf(desired, recorded) != StoreMove::kOutOfReach) {
    return;
  }
  Refuse(change, "management.datastorePath",
         absl::StrCat("the datastore is ", DatastorePathOf(recorded), " and would be ",
                      DatastorePathOf(desired),
                      " after the update, but not both file systems stay mounted where they are, "
                      "so that one of the two systems could not find it"),
         "Change mount points and management.datastorePath in two updates.");
}

void CompareManagement(const Management& desired, const Management& recorded, Change& change) {
  if (desired == recorded) return;
  if (desired.disable != recorded.disable) {
    // The agent in the image is set up, or not, while the target is written.
    Raise(change, ServicingKind::kAbUpdate);
  }
  Raise(change, ServicingKind::kHotPatch);
}

}  // namespace

bool IsDeployed(const Image& image, const HostStatus& status) {
  const Volume active = status.storage.ab_update && status.storage.ab_update->active_volume
                            ? *status.storage.ab_update->active_volume
                            : Volume::kA;
  const std::optional<RecordedDevice> device =
      FindDevice(status, ResolveVolume(status, image.target_id, active));
  if (!device || device->contents.kind != Contents::Kind::kImage) return false;
  return device->contents.url == image.url && (image.sha256.kind != ImageHash::Kind::kHex ||
                                               image.sha256.hex == device->contents.sha256);
}

Change CompareConfigurations(const HostConfiguration& desired, const HostConfiguration& recorded,
                             const HostStatus& status) {
  Change change;
  CompareDisks(desired.storage, recorded.storage, change);
  if (desired.storage.raid != recorded.storage.raid) {
    Refuse(change, "storage.raid", "RAID arrays of an installed host cannot change", kInstallAnew);
  }
  if (desired.storage.encryption != recorded.storage.encryption) {
    Refuse(change, "storage.encryption", "encryption of an installed host cannot change",
           kInstallAnew);
  }
  const auto pairs = [](const HostConfiguration& configuration) {
    return configuration.storage.ab_update ? configuration.storage.ab_update->volume_pairs
                                           : std::vector<VolumePair>{};
  };
  if (pairs(desired) != pairs(recorded) ||
      desired.storage.ab_update.has_value() != recorded.storage.ab_update.has_value()) {
    Refuse(change, "storage.abUpdate", "the A/B volume pairs of an installed host cannot change",
           kInstallAnew);
  }
  CompareMountPoints(desired.storage, recorded.storage, change);
  CompareVerity(desired.storage, recorded.storage, change);
  CompareImages(desired, recorded, status, change);
  CompareStorePlace(desired, recorded, change);
  CompareManagement(desired.management, recorded.management, change);
  if (desired.network != recorded.network) {
    change.network = true;
    Raise(change, ServicingKind::kNormalUpdate);
  }
  Raise(change, KindOfOsChange(desired.osconfig, recorded.osconfig));
  // Whatever else differs (a hash written out, say) changes the document that the runtime
  // configuration holds.
  if (change.kind == ServicingKind::kNone &&
      ConfigurationDigest(desired) != ConfigurationDigest(recorded)) {
    Raise(change, ServicingKind::kHotPatch);
  }
  return change;
}

}  // namespace trident
