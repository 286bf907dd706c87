#include "agent/servicing/planner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/network/netplan.h"
#include "agent/servicing/change.h"
#include "agent/servicing/disk_claims.h"
#include "agent/servicing/orders.h"
#include "agent/servicing/os_refusals.h"
#include "agent/servicing/rebuild.h"
#include "agent/servicing/refusals.h"
#include "agent/storage/filesystem.h"
#include "common/base/sha256.h"
#include "common/config/document.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

// Nothing is ever accepted and ignored: what no subsystem carries out is refused by name.
void RefuseUnsupported(const HostConfiguration& desired, Refusals& refusals) {
  const Storage& storage = desired.storage;
  for (size_t i = 0; i < storage.mount_points.size(); ++i) {
    const std::string& type = storage.mount_points[i].filesystem;
    if (CanMakeFilesystem(type)) continue;
    refusals.Unsupported(absl::StrCat("storage.mountPoints[", i, "].filesystem"),
                         absl::StrCat("file system '", type, "' is not handled by this version"),
                         "Use ext4, xfs, btrfs, vfat or swap.");
  }
}

// What is adopted is kept as it is: nothing may be written over it.
void RefuseOverwrittenAdoptions(const HostConfiguration& desired, Refusals& refusals) {
  const auto refuse = [&](const std::string& path, const BlockDeviceId& id, const char* use) {
    if (FindAdopted(desired, id) == nullptr) return;
    refusals.Precondition("invalid-input", "adopted-overwritten", path,
                          absl::StrCat("'", id, "' is adopted, so that it cannot be ", use),
                          "Use a partition of the document's own.");
  };
  const Storage& storage = desired.storage;
  for (size_t i = 0; i < storage.images.size(); ++i) {
    refuse(absl::StrCat("storage.images[", i, "].targetId"), storage.images[i].target_id,
           "the target of an image");
  }
  for (size_t i = 0; i < storage.raid.software.size(); ++i) {
    for (const BlockDeviceId& id : storage.raid.software[i].devices) {
      refuse(absl::StrCat("storage.raid.software[", i, "].devices"), id, "a member of an array");
    }
  }
  if (storage.encryption) {
    for (size_t i = 0; i < storage.encryption->volumes.size(); ++i) {
      refuse(absl::StrCat("storage.encryption.volumes[", i, "].targetId"),
             storage.encryption->volumes[i].target_id, "encrypted");
    }
  }
  if (storage.ab_update) {
    for (size_t i = 0; i < storage.ab_update->volume_pairs.size(); ++i) {
      const VolumePair& pair = storage.ab_update->volume_pairs[i];
      const std::string path = absl::StrCat("storage.abUpdate.volumePairs[", i, "]");
      refuse(path + ".volumeAId", pair.volume_a_id, "a volume that updates write");
      refuse(path + ".volumeBId", pair.volume_b_id, "a volume that updates write");
    }
  }
}

// What a host needs to boot at all, as far as this version boots hosts.
void RefuseUnbootable(const HostConfiguration& desired, Refusals& refusals) {
  const Storage& storage = desired.storage;
  const MountPoint* root = FindMount(desired, "/");
  const auto has_image = [&](const BlockDeviceId& id) {
    return std::any_of(storage.images.begin(), storage.images.end(),
                       [&](const Image& image) { return image.target_id == id; });
  };
  if (root == nullptr) {
    refusals.Precondition("invalid-input", "no-root", "storage.mountPoints",
                          "nothing is mounted at /", "Add a mount point with the path /.");
  } else if (!has_image(DataDeviceOf(desired, root->target_id))) {
    refusals.Precondition(
        "invalid-input", "no-root-image", "storage.images",
        absl::StrCat("no image is for '", root->target_id, "', which is mounted at /"),
        "Add the image of the root file system.");
  }
  const MountPoint* esp = FindEspMount(desired);
  if (esp == nullptr) {
    refusals.Precondition(
        "invalid-input", "no-esp", "storage.mountPoints",
        "no EFI system partition is mounted, so that the firmware could not start "
        "the host",
        "Add a partition of type esp and its mount point, such as /boot/efi.");
    return;
  }
  if (!has_image(esp->target_id)) {
    refusals.Precondition(
        "invalid-input", "no-esp-image", "storage.images",
        absl::StrCat("no image is for '", esp->target_id, "', the EFI system partition"),
        "Add the image of the EFI system partition.");
  }
  for (const Volume volume : {Volume::kA, Volume::kB}) {
    const SoftwareRaidArray* array = FindArray(desired, DeviceOn(desired, esp->target_id, volume));
    if (array == nullptr ||
        (array->level == RaidLevel::kRaid1 &&
         (array->metadata_version == "1.0" || array->metadata_version == "0.90"))) {
      continue;
    }
    refusals.Precondition(
        "invalid-input", "esp-array", "storage.raid.software",
        absl::StrCat("the EFI system partition lies on the array '", array->id,
                     "', which the firmware could not read: it knows no RAID"),
        "Use level raid1 with metadataVersion '1.0', whose members look like plain partitions.");
    break;
  }
  if (storage.ab_update && root != nullptr &&
      FindPair(desired, DataDeviceOf(desired, root->target_id)) == nullptr) {
    refusals.Precondition("invalid-input", "root-not-paired", "storage.abUpdate.volumePairs",
                          absl::StrCat("'", root->target_id,
                                       "' is mounted at / but is not a volume pair, while other "
                                       "devices are"),
                          "Make the root device a pair too: all pairs switch together.");
  }
}

// What opens the encrypted volumes must be at hand before they are made.
void RefuseUnopenable(const HostConfiguration& desired, const Observation& observed,
                      Refusals& refusals) {
  if (!desired.storage.encryption) return;
  const EncryptionSettings& settings = *desired.storage.encryption;
  for (size_t i = 0; i < settings.volumes.size(); ++i) {
    const std::string& name = settings.volumes[i].device_name;
    if (!observed.open_volumes.contains(name)) continue;
    refusals.Precondition(
        "encryption", "name-taken", absl::StrCat("storage.encryption.volumes[", i, "].deviceName"),
        absl::StrCat("/dev/mapper/", name, " is there already"),
        absl::StrCat("Close it (cryptsetup close ", name, "), or choose another name."));
  }
  // Swap with a fresh key is opened by nobody.
  if (std::all_of(settings.volumes.begin(), settings.volumes.end(),
                  [&](const EncryptedVolume& volume) {
                    return HoldsOnlySwap(desired.storage, volume.id);
                  })) {
    return;
  }
  if (!observed.recovery_key.ok()) {
    refusals.Failed("storage.encryption.recoveryKeyUrl", observed.recovery_key);
  }
  const bool needs_tpm2 = settings.tpm2 == Tpm2Use::kRequired ||
                          (settings.tpm2 == Tpm2Use::kPreferred && !settings.recovery_key_url);
  if (needs_tpm2 && !observed.has_tpm2) {
    refusals.Precondition("encryption", "no-tpm", "storage.encryption.tpm2",
                          "this machine has no TPM 2.0 that could open the encrypted volumes",
                          "Switch it on in the firmware's setup, or use a recoveryKeyUrl with "
                          "tpm2: preferred or never.");
  }
}

void RefuseWithoutPrivilege(const Observation& observed, Refusals& refusals) {
  if (!observed.is_root) {
    refusals.Precondition("environment", "not-root", "",
                          "the agent does not run as root, so that it could not change this host",
                          "Run the agent as root. Validating and planning work without.");
  }
  if (!observed.firmware_available) {
    refusals.Precondition("boot", "no-firmware-variables", "",
                          "UEFI variables cannot be read and written here, so that the firmware "
                          "could not be told what to start",
                          "Boot the host in UEFI mode, with efivarfs mounted at "
                          "/sys/firmware/efi/efivars.");
  }
}

void CheckImages(const HostConfiguration& desired, Volume target, const Observation& observed,
                 const DeviceSizes& sizes, Refusals& refusals) {
  for (const auto& [index, facts] : observed.images) {
    const Image& image = desired.storage.images[index];
    const std::string path = absl::StrCat("storage.images[", index, "]");
    if (!facts.ok()) {
      refusals.Failed(path + ".url", facts.status());
      continue;
    }
    // Unpacked somewhere else; whether its loader has room is found while it is copied.
    if (IsForSharedEsp(desired, image)) continue;
    const BlockDeviceId device = DeviceOn(desired, image.target_id, target);
    const auto size = sizes.find(device);
    if (facts->content_bytes && size != sizes.end() && *facts->content_bytes > size->second) {
      refusals.Precondition("image", "image-too-large", path,
                            absl::StrCat("the image holds ", *facts->content_bytes, " bytes, but '",
                                         device, "' has only ", size->second),
                            "Make the partition larger (at an installation) or the image smaller.");
    }
  }
}

// A plan's digest covers everything that it was made from.
std::string DigestOf(const Plan& plan, const HostConfiguration& desired, const Recorded& recorded,
                     const Observation& observed) {
  std::string text = absl::StrCat(
      ConfigurationDigest(desired), "\n", PlanToJson(plan), "\n",
      recorded.configuration ? ConfigurationDigest(*recorded.configuration) : std::string("none"),
      "\n");
  for (const auto& [id, disk] : observed.disks) {
    if (!disk.ok()) continue;
    absl::StrAppend(&text, id, " ", disk->path, " ", disk->size, " ",
                    disk->table ? disk->table->disk_uuid : "", "\n");
  }
  for (const auto& [index, facts] : observed.images) {
    if (facts.ok()) {
      absl::StrAppend(&text, index, " ", facts->fetch_bytes, " ", facts->validator, " ",
                      facts->sha256, "\n");
    }
  }
  return Sha256Hex(text);
}

std::vector<std::string> WarningsOf(const HostConfiguration& desired, const Observation& observed) {
  std::vector<std::string> warnings;
  if (!observed.has_watchdog) {
    warnings.push_back(
        "No watchdog is at hand: a new system that hangs or panics falls back by itself only when "
        "its kernel command line has panic=. It is checked when the image is in place.");
  }
  if (desired.management.disable) {
    warnings.push_back(
        "management.disable: the new system is not checked by any agent; the job ends at the "
        "reboot.");
  }
  if (!desired.storage.ab_update) {
    warnings.push_back("Without storage.abUpdate this host cannot be updated later.");
  }
  for (size_t i = 0; i < desired.storage.images.size(); ++i) {
    const auto facts = observed.images.find(i);
    const bool compared =
        facts != observed.images.end() && facts->second.ok() && !facts->second->sha256.empty();
    if (desired.storage.images[i].sha256 == ImageHash::Ignored() && !compared) {
      warnings.push_back(
          absl::StrCat("storage.images[", i,
                       "]: the hash is ignored, so that a damaged or exchanged image "
                       "would not be noticed."));
    }
  }
  return warnings;
}

void CountBytes(const Observation& observed, Plan& plan) {
  for (const auto& [index, facts] : observed.images) {
    if (facts.ok()) plan.bytes_to_fetch += facts->fetch_bytes;
  }
  for (const Step& step : plan.steps) {
    if (step.kind == StepKind::kWriteImage) plan.bytes_to_write += step.bytes;
  }
}

absl::StatusOr<Plan> PlanCleanInstall(const HostConfiguration& desired, const Recorded& recorded,
                                      const Observation& observed, bool force) {
  Refusals refusals;
  RefuseUnsupported(desired, refusals);
  RefuseOs(desired, ServicingKind::kCleanInstall, /*configures_os=*/true, observed, refusals);
  if (desired.storage.disks.empty()) {
    refusals.Precondition(
        "invalid-input", "no-disks", "storage.disks",
        "the host is not installed and the document names no disk to install it on",
        "Describe the disks.");
  } else {
    RefuseUnbootable(desired, refusals);
    RefuseOverwrittenAdoptions(desired, refusals);
    RefuseUnopenable(desired, observed, refusals);
  }
  RefuseWithoutPrivilege(observed, refusals);
  if (!observed.booted_from_ramdisk && !observed.safety_check_overridden) {
    refusals.Precondition(
        "precondition", "safety-check", "",
        "safety check: this system was not booted from a ramdisk (the kernel command line has no "
        "root=/dev/ram0), and a clean install would destroy it",
        "Boot the ramdisk OS. If the disks of this system may be lost, create the file "
        "/override-trident-safety-check.");
  }
  Plan plan;
  plan.kind = ServicingKind::kCleanInstall;
  plan.target = Volume::kA;
  plan.reboots = true;
  plan.unattended_target = desired.management.disable;
  DiskClaims claims = ClaimDisks(desired, observed, refusals);
  plan.destroyed = std::move(claims.destroyed);
  CheckImages(desired, Volume::kA, observed, claims.sizes, refusals);
  if (observed.found_installation && !force &&
      observed.found_installation->configuration_digest == ConfigurationDigest(desired)) {
    refusals.Precondition(
        "precondition", "installed-already", "storage.disks",
        absl::StrCat("this configuration is installed on the disk already (job state '",
                     observed.found_installation->job_state, "' in ",
                     observed.found_installation->store_path, ")"),
        "Boot from the disk. To install it once more, submit it with force.");
  }
  TRIDENT_RETURN_IF_ERROR(refusals.ToStatus());
  plan.steps = InstallOrder(desired, observed, claims.old_arrays);
  plan.warnings = WarningsOf(desired, observed);
  CountBytes(observed, plan);
  plan.digest = DigestOf(plan, desired, recorded, observed);
  return plan;
}

// A disk goes by another name when a new one was put into its place; in any other case the host
// would be said to lie on a disk that it does not lie on.
void RefuseMovedDisks(const HostConfiguration& desired, const HostConfiguration& recorded,
                      const Rebuild& rebuild, Change& change) {
  for (const size_t i : change.moved_disks) {
    const Disk& disk = desired.storage.disks[i];
    const bool restored =
        change.kind < ServicingKind::kAbUpdate &&
        std::find(rebuild.disks.begin(), rebuild.disks.end(), disk.id) != rebuild.disks.end();
    if (restored) continue;
    change.kind = ServicingKind::kIncompatible;
    change.incompatible.push_back(
        {absl::StrCat("storage.disks[", i, "].device"), 0, 0,
         absl::StrCat("the disk was installed as ", recorded.storage.disks[i].device),
         "Keep the device, or install the host anew from a ramdisk OS. A lost disk of an array is "
         "replaced by a blank one, in an update of its own."});
  }
}

// The volume that runs. No value when it is not known; refused when it is not the recorded one.
std::optional<Volume> FindActiveVolume(const Recorded& recorded, const Observation& observed,
                                       Refusals& refusals) {
  const auto& ab = recorded.status.storage.ab_update;
  if (!ab || !ab->active_volume) {
    refusals.Precondition("precondition", "active-volume-unknown", "storage.abUpdate",
                          "which volume the host runs from is not known",
                          "Boot one of the two volumes and restart the agent.");
    return std::nullopt;
  }
  const Volume active = *ab->active_volume;
  const BootedVolume expected = active == Volume::kA ? BootedVolume::kA : BootedVolume::kB;
  if (!observed.booted) {
    refusals.Precondition("internal", "not-observed", "", "the running root was not looked at", "");
  } else if (!observed.booted->ok()) {
    refusals.Failed("", observed.booted->status());
  } else if (**observed.booted != expected) {
    refusals.Precondition(
        "precondition", "wrong-root", "",
        absl::StrCat("the store says that the host runs from ", std::string(VolumeName(active)),
                     ", but the running root is another device"),
        "Boot the recorded volume before updating.");
  }
  return active;
}

absl::StatusOr<Plan> PlanUpdate(const HostConfiguration& desired, const Recorded& recorded,
                                const Observation& observed) {
  Change change = CompareConfigurations(desired, *recorded.configuration, recorded.status);
  const Rebuild rebuild = FindRebuild(desired, recorded.status, observed);
  RefuseMovedDisks(desired, *recorded.configuration, rebuild, change);
  if (!rebuild.empty()) change.kind = std::max(change.kind, ServicingKind::kNormalUpdate);
  if (change.kind == ServicingKind::kNone) {
    Plan plan;
    plan.warnings = rebuild.obstacles;
    plan.digest = DigestOf(plan, desired, recorded, observed);
    return plan;
  }
  Refusals refusals;
  RefuseUnsupported(desired, refusals);
  RefuseOs(desired, change.kind,
           change.kind == ServicingKind::kAbUpdate ||
               desired.osconfig != recorded.configuration->osconfig,
           observed, refusals);
  for (const Finding& finding : change.incompatible) {
    refusals.Precondition("precondition", "incompatible", finding.path, finding.reason,
                          finding.remedy);
  }
  if (!observed.store_place.ok()) {
    refusals.Failed("management.datastorePath", observed.store_place);
  }
  Plan plan;
  plan.kind = change.kind;
  if (change.kind == ServicingKind::kAbUpdate) {
    RefuseUnbootable(desired, refusals);
    RefuseWithoutPrivilege(observed, refusals);
    const std::optional<Volume> active = FindActiveVolume(recorded, observed, refusals);
    if (!active) return refusals.ToStatus();
    plan.target = OtherVolume(*active);
    plan.reboots = true;
    plan.unattended_target = desired.management.disable;
    CheckImages(desired, *plan.target, observed, RecordedSizes(recorded.status), refusals);
    for (const Image& image : recorded.configuration->storage.images) {
      const bool still =
          std::any_of(desired.storage.images.begin(), desired.storage.images.end(),
                      [&](const Image& other) { return other.target_id == image.target_id; });
      const bool switches =
          FindPair(desired, image.target_id) != nullptr || IsForSharedEsp(desired, image);
      if (still || !switches) continue;
      refusals.Precondition(
          "invalid-input", "pair-without-image", "storage.images",
          absl::StrCat("no image is for '", image.target_id,
                       "', which was installed from one; everything switches together"),
          "Add its image, the old one if it has not changed.");
    }
    TRIDENT_RETURN_IF_ERROR(refusals.ToStatus());
    for (const VolumePair& pair : desired.storage.ab_update->volume_pairs) {
      plan.destroyed.push_back(
          {DeviceOn(desired, pair.id, *plan.target),
           absl::StrCat(std::string(VolumeName(*plan.target)), " of pair '", pair.id, "'")});
    }
    plan.steps = AbUpdateOrder(desired, *recorded.configuration, *plan.target, observed);
    plan.warnings = WarningsOf(desired, observed);
    plan.warnings.insert(plan.warnings.end(), rebuild.obstacles.begin(), rebuild.obstacles.end());
    CountBytes(observed, plan);
  } else {
    if (!observed.is_root) RefuseWithoutPrivilege(observed, refusals);
    if (change.network && !observed.has_netplan) {
      refusals.Failed("network", NoNetplan("this host"));
    }
    Volume active = Volume::kA;
    if (change.kind == ServicingKind::kUpdateAndReboot) {
      if (change.network) {
        refusals.Precondition(
            "precondition", "network-and-reboot", "network",
            "the network cannot change together with kernel options or modules: whether the host "
            "can still be reached could not be waited for over the reboot",
            "Change one of them first, and then the other.");
      }
      if (recorded.status.storage.ab_update) {
        active = FindActiveVolume(recorded, observed, refusals).value_or(active);
      }
      plan.target = active;
      plan.reboots = true;
      const OsConfig& now = recorded.configuration->osconfig;
      if (desired.osconfig.modules != now.modules || desired.osconfig.selinux != now.selinux) {
        plan.warnings.push_back(
            "The running system is changed and booted again: should it not start with its new "
            "kernel modules or mode of SELinux, nothing falls back by itself.");
      }
    }
    TRIDENT_RETURN_IF_ERROR(refusals.ToStatus());
    for (const BlockDeviceId& disk : rebuild.disks) {
      plan.destroyed.push_back({FindDisk(desired, disk)->device, "the blank disk is partitioned"});
    }
    plan.steps =
        LiveUpdateOrder(desired, *recorded.configuration, change, active, rebuild, observed);
    plan.warnings.insert(plan.warnings.end(), rebuild.obstacles.begin(), rebuild.obstacles.end());
  }
  plan.digest = DigestOf(plan, desired, recorded, observed);
  return plan;
}

}  // namespace

std::vector<size_t> ImagesToProbe(const HostConfiguration& desired, const Recorded& recorded) {
  std::vector<size_t> all;
  for (size_t i = 0; i < desired.storage.images.size(); ++i) {
    const Image& image = desired.storage.images[i];
    if (!recorded.configuration || FindPair(desired, image.target_id) ||
        IsForSharedEsp(desired, image)) {
      all.push_back(i);
    }
  }
  if (!recorded.configuration) return all;
  const Change change = CompareConfigurations(desired, *recorded.configuration, recorded.status);
  return change.kind == ServicingKind::kAbUpdate ? all : std::vector<size_t>{};
}

absl::StatusOr<Plan> MakePlan(const HostConfiguration& desired, const Recorded& recorded,
                              const Observation& observed, bool force) {
  return recorded.configuration ? PlanUpdate(desired, recorded, observed)
                                : PlanCleanInstall(desired, recorded, observed, force);
}

}  // namespace trident
