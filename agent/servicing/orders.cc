#include "agent/servicing/orders.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/hooks/script_runner.h"
#include "agent/servicing/store_move.h"
#include "agent/storage/filesystem.h"
#include "common/config/enum_names.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

// Writes down steps in the order in which its functions are called.
class Order {
 public:
  Order(const HostConfiguration& desired, ServicingKind kind, Volume target,
        const Observation& observed)
      : desired_(desired), kind_(kind), target_(target), observed_(observed) {}

  void RunScripts(ScriptStage stage, Phase phase) {
    const std::vector<Script>& scripts = ScriptsOf(desired_.scripts, stage);
    for (size_t i = 0; i < scripts.size(); ++i) {
      if (!RunsIn(scripts[i], kind_)) continue;
      Add(StepKind::kRunScript, phase, ScriptPlace(stage, i),
          absl::StrCat("run the script '", scripts[i].name, "'"));
    }
  }

  void RemoveArrays(const std::vector<std::string>& arrays) {
    for (const std::string& array : arrays) {
      Add(StepKind::kRemoveArray, Phase::kStage, array,
          absl::StrCat("take the old RAID array ", array, " apart"));
    }
  }

  void CreateArrays() {
    for (const SoftwareRaidArray& array : desired_.storage.raid.software) {
      Add(StepKind::kCreateArray, Phase::kStage, array.id,
          absl::StrCat("make the ", std::string(EnumName(array.level)), " array '", array.id,
                       "' of ", array.devices.size(), " partitions"));
    }
  }

  void EncryptVolumes() {
    if (!desired_.storage.encryption) return;
    for (const EncryptedVolume& volume : desired_.storage.encryption->volumes) {
      Add(StepKind::kEncryptVolume, Phase::kStage, volume.id,
          HoldsOnlySwap(desired_.storage, volume.id)
              ? absl::StrCat("note that '", volume.id, "' is swap with a fresh key at every boot")
              : absl::StrCat("encrypt '", volume.target_id, "' and open it as '", volume.id, "'"));
    }
  }

  void RestoreArrays(const Rebuild& rebuild) {
    for (const BlockDeviceId& disk : rebuild.disks) {
      Add(StepKind::kRestoreDisk, Phase::kStage, disk,
          absl::StrCat("give the blank disk in the place of '", disk, "' its partition table"));
    }
    for (const BlockDeviceId& partition : rebuild.filesystems) {
      Add(StepKind::kMakeFilesystem, Phase::kStage, partition,
          absl::StrCat("make the file system of '", partition,
                       "' anew, whose contents went with the lost disk"));
    }
    for (const BlockDeviceId& array : rebuild.arrays) {
      Add(StepKind::kRestoreArray, Phase::kStage, array,
          absl::StrCat("give the array '", array, "' back the members that it lacks"));
    }
  }

  void RestoreBootEntries(const Rebuild& rebuild) {
    const MountPoint* esp = FindEspMount(desired_);
    if (esp == nullptr) return;
    for (const Volume volume : {Volume::kA, Volume::kB}) {
      const BlockDeviceId device = DeviceOn(desired_, esp->target_id, volume);
      if (std::find(rebuild.arrays.begin(), rebuild.arrays.end(), device) == rebuild.arrays.end()) {
        continue;
      }
      Add(StepKind::kRestoreBootEntries, Phase::kStage, "",
          "make the boot entries again that the firmware may have dropped with the disk");
      return;
    }
  }

  void ApplyNetwork() {
    Add(StepKind::kApplyNetwork, Phase::kFinalize, "", "change the network of the running system");
  }

  void ConfirmNetwork() {
    Add(StepKind::kConfirmNetwork, Phase::kCommit, "",
        "wait until it is known that the host can still be reached");
  }

  void ApplyManagement() {
    Add(StepKind::kApplyManagement, Phase::kFinalize, "",
        "write the runtime configuration of the agent");
  }

  void WaitForArrays() {
    if (desired_.storage.raid.software.empty()) return;
    Add(StepKind::kWaitForArrays, Phase::kStage, "", "wait until the RAID arrays are in step");
  }

  void WritePartitionTables() {
    for (const Disk& disk : desired_.storage.disks) {
      Add(StepKind::kWritePartitionTable, Phase::kStage, disk.id,
          absl::StrCat("write the partition table of ", disk.device, " with ",
                       disk.partitions.size(), " partitions"));
    }
  }

  // File systems and swap of everything that no image fills.
  void MakeFilesystems(bool only_pairs) {
    for (const MountPoint& mount : desired_.storage.mount_points) {
      if (ImageFor(mount.target_id) && !IsSharedEsp(mount.target_id)) continue;
      if (FindVerity(desired_, mount.target_id) != nullptr) continue;
      if (const AdoptedPartition* adopted = FindAdopted(desired_, mount.target_id)) {
        if (adopted->size && CanGrowFilesystem(mount.filesystem) && !only_pairs) {
          Add(StepKind::kGrowFilesystem, Phase::kStage, mount.target_id,
              absl::StrCat("grow the file system of '", mount.target_id, "' to its device"));
        }
        continue;
      }
      if (only_pairs && FindPair(desired_, mount.target_id) == nullptr) continue;
      const BlockDeviceId device = DeviceOn(desired_, mount.target_id, target_);
      // Made at every boot.
      if (FindEncryptedVolume(desired_, device) != nullptr &&
          HoldsOnlySwap(desired_.storage, device)) {
        continue;
      }
      Add(StepKind::kMakeFilesystem, Phase::kStage, device,
          absl::StrCat("make ", mount.filesystem, " on '", device, "'"));
    }
  }

  void WriteImages(bool only_pairs) {
    for (size_t i = 0; i < desired_.storage.images.size(); ++i) {
      const Image& image = desired_.storage.images[i];
      if (only_pairs && FindPair(desired_, image.target_id) == nullptr) continue;
      if (IsForSharedEsp(desired_, image)) continue;
      const BlockDeviceId device = DeviceOn(desired_, image.target_id, target_);
      uint64_t bytes = 0;
      uint64_t fetch_bytes = 0;
      if (const auto facts = observed_.images.find(i);
          facts != observed_.images.end() && facts->second.ok()) {
        fetch_bytes = facts->second->fetch_bytes;
        bytes = facts->second->content_bytes.value_or(fetch_bytes);
      }
      Add(StepKind::kWriteImage, Phase::kStage, device,
          absl::StrCat("write ", image.url, " to '", device, "'"), bytes);
      steps_.back().fetch_bytes = fetch_bytes;
      Add(StepKind::kVerifyImage, Phase::kStage, device,
          absl::StrCat("read '", device, "' back and compare"), bytes);
      // Images bring the same UUID to A and to B: each volume gets its own.
      if (const std::optional<std::string> filesystem = MountedAs(image.target_id)) {
        Add(StepKind::kSetIdentity, Phase::kStage, device,
            absl::StrCat("give the file system of '", device, "' a UUID of its own"));
        if (CanGrowFilesystem(*filesystem)) {
          Add(StepKind::kGrowFilesystem, Phase::kStage, device,
              absl::StrCat("grow the file system of '", device, "' to its device"));
        }
      }
    }
  }

  void CheckVerity() {
    for (const VerityDevice& verity : desired_.storage.verity) {
      Add(StepKind::kCheckVerity, Phase::kStage, verity.id,
          absl::StrCat("read '", verity.id, "' through its tree of hashes"));
    }
  }

  void ConfigureNewRoot() {
    if (std::any_of(desired_.storage.overlays.begin(), desired_.storage.overlays.end(),
                    [](const Overlay& overlay) { return overlay.persistent; })) {
      Add(StepKind::kPrepareOverlays, Phase::kStage, "",
          absl::StrCat("empty the overlays of ", std::string(VolumeName(target_))));
    }
    Add(StepKind::kMountNewRoot, Phase::kStage, "", "mount the new root");
    if (SharesEsp(desired_)) {
      const BlockDeviceId& esp = FindEspMount(desired_)->target_id;
      Add(StepKind::kInstallLoader, Phase::kStage, esp,
          absl::StrCat("put the boot loader of ", std::string(VolumeName(target_)), " on '", esp,
                       "', which both volumes share"));
    }
    Add(StepKind::kConfigureBoot, Phase::kStage, "",
        "make the boot loader find the new root by what is its own");
    Add(StepKind::kWriteFstab, Phase::kStage, "", "write /etc/fstab of the new root");
    if (!desired_.storage.raid.software.empty()) {
      Add(StepKind::kConfigureRaid, Phase::kStage, "", "write mdadm.conf of the new root");
    }
    if (desired_.storage.encryption) {
      Add(StepKind::kConfigureEncryption, Phase::kStage, "", "write /etc/crypttab of the new root");
    }
    if (kind_ == ServicingKind::kAbUpdate) {
      Add(StepKind::kPreserveState, Phase::kStage, "",
          "carry over what the host keeps: its identity and osconfig.preserve");
    }
    RunScripts(ScriptStage::kPostProvision, Phase::kStage);
    if (desired_.network) {
      Add(StepKind::kConfigureNetwork, Phase::kStage, "",
          "write the network of the new root and let its netplan read it");
    }
    if (desired_.osconfig != OsConfig()) {
      Add(StepKind::kConfigureOs, Phase::kStage, "", "configure the operating system");
    }
    if (!desired_.management.disable) {
      Add(StepKind::kConfigureManagement, Phase::kStage, "",
          "set up the agent in the new root and check that it can read the store");
    }
    RunScripts(ScriptStage::kPostConfigure, Phase::kStage);
    if (desired_.osconfig.selinux.mode.value_or(SelinuxMode::kDisabled) != SelinuxMode::kDisabled) {
      Add(StepKind::kLabelFiles, Phase::kStage, "", "label the files of the new root for SELinux");
    }
    Add(StepKind::kUnmountNewRoot, Phase::kStage, "", "unmount the new root");
    Add(StepKind::kCheckTarget, Phase::kStage, "", "check the file systems of the target");
  }

  void LinkStore(const HostConfiguration& recorded, Phase phase) {
    if (!MovesStore(recorded)) return;
    Add(StepKind::kLinkStore, phase, "",
        absl::StrCat("link ", DatastorePathOf(desired_), " to the datastore"));
  }

  void MoveStore(const HostConfiguration& recorded) {
    if (!MovesStore(recorded)) return;
    Add(StepKind::kMoveStore, Phase::kCommit, "",
        absl::StrCat("move the datastore to ", DatastorePathOf(desired_)));
  }

  void Leave() {
    const std::string volume(VolumeName(target_));
    if (desired_.management.transition == Transition::kKexec) {
      Add(StepKind::kPointFirmware, Phase::kFinalize, "",
          absl::StrCat("make ", volume, " known to the firmware and load its kernel"));
      Add(StepKind::kLeave, Phase::kLeave, "", "start the loaded kernel with kexec");
    } else {
      Add(StepKind::kPointFirmware, Phase::kFinalize, "",
          absl::StrCat("make the firmware start ", volume, " next"));
      Add(StepKind::kLeave, Phase::kLeave, "", "reboot through the firmware");
    }
  }

  void Commit() {
    Add(StepKind::kCommitBoot, Phase::kCommit, "",
        absl::StrCat("make ", std::string(VolumeName(target_)),
                     " the one that the firmware prefers"));
  }

  void Apply(const HostConfiguration& recorded) {
    if (desired_.osconfig != recorded.osconfig) {
      Add(StepKind::kApplyOs, Phase::kFinalize, "", "configure the running operating system");
    }
  }

  void TryKernelOptions(const HostConfiguration& recorded) {
    if (!ChangesKernelOptions(recorded)) return;
    Add(StepKind::kTryKernelOptions, Phase::kFinalize, "",
        "make the boot loader try the new options of the kernel in the next start");
  }

  void KeepKernelOptions(const HostConfiguration& recorded) {
    if (!ChangesKernelOptions(recorded)) return;
    Add(StepKind::kKeepKernelOptions, Phase::kCommit, "",
        "write the options of the kernel into the boot loader's configuration");
  }

  void Reboot() { Add(StepKind::kLeave, Phase::kLeave, "", "reboot through the firmware"); }

  void CommitLive() { Add(StepKind::kCommitOs, Phase::kCommit, "", "accept the change"); }

  std::vector<Step> Take() { return std::move(steps_); }

 private:
  void Add(StepKind kind, Phase phase, const BlockDeviceId& subject, std::string description,
           uint64_t bytes = 0) {
    Step step;
    step.id = std::string(StepKindName(kind));
    if (!subject.empty()) absl::StrAppend(&step.id, "/", subject);
    step.kind = kind;
    step.phase = phase;
    step.subject = subject;
    step.description = std::move(description);
    step.bytes = bytes;
    steps_.push_back(std::move(step));
  }

  bool MovesStore(const HostConfiguration& recorded) const {
    return !desired_.management.disable && StoreMoveOf(desired_, recorded) == StoreMove::kMoves;
  }

  bool ChangesKernelOptions(const HostConfiguration& recorded) const {
    return desired_.osconfig.kernel_command_line != recorded.osconfig.kernel_command_line;
  }

  bool ImageFor(const BlockDeviceId& id) const {
    return std::any_of(desired_.storage.images.begin(), desired_.storage.images.end(),
                       [&](const Image& image) { return image.target_id == id; });
  }

  bool IsSharedEsp(const BlockDeviceId& id) const {
    return SharesEsp(desired_) && FindEspMount(desired_)->target_id == id;
  }

  std::optional<std::string> MountedAs(const BlockDeviceId& id) const {
    for (const MountPoint& mount : desired_.storage.mount_points) {
      if (mount.target_id == id) return mount.filesystem;
    }
    return std::nullopt;
  }

  const HostConfiguration& desired_;
  const ServicingKind kind_;
  const Volume target_;
  const Observation& observed_;
  std::vector<Step> steps_;
};

}  // namespace

std::vector<Step> InstallOrder(const HostConfiguration& desired, const Observation& observed,
                               const std::vector<std::string>& old_arrays) {
  Order order(desired, ServicingKind::kCleanInstall, Volume::kA, observed);
  order.RunScripts(ScriptStage::kPreServicing, Phase::kStage);
  order.RemoveArrays(old_arrays);
  order.WritePartitionTables();
  order.CreateArrays();
  order.EncryptVolumes();
  order.MakeFilesystems(/*only_pairs=*/false);
  order.WriteImages(/*only_pairs=*/false);
  order.WaitForArrays();
  order.CheckVerity();
  order.ConfigureNewRoot();
  order.Leave();
  order.Commit();
  return order.Take();
}

std::vector<Step> AbUpdateOrder(const HostConfiguration& desired, const HostConfiguration& recorded,
                                Volume target, const Observation& observed) {
  Order order(desired, ServicingKind::kAbUpdate, target, observed);
  order.RunScripts(ScriptStage::kPreServicing, Phase::kStage);
  order.MakeFilesystems(/*only_pairs=*/true);
  order.WriteImages(/*only_pairs=*/true);
  order.CheckVerity();
  order.ConfigureNewRoot();
  order.LinkStore(recorded, Phase::kStage);
  order.Leave();
  order.Commit();
  order.MoveStore(recorded);
  return order.Take();
}

std::vector<Step> LiveUpdateOrder(const HostConfiguration& desired,
                                  const HostConfiguration& recorded, const Change& change,
                                  Volume active, const Rebuild& rebuild,
                                  const Observation& observed) {
  Order order(desired, change.kind, active, observed);
  order.RestoreArrays(rebuild);
  if (!rebuild.empty()) order.WaitForArrays();
  order.RestoreBootEntries(rebuild);
  order.RunScripts(ScriptStage::kPreServicing, Phase::kFinalize);
  order.Apply(recorded);
  order.RunScripts(ScriptStage::kPostConfigure, Phase::kFinalize);
  // Before a reboot: what starts then reads the document there, and would go back to an old one. It
  // is taken back with the rest when the change is not accepted.
  order.LinkStore(recorded, Phase::kFinalize);
  order.ApplyManagement();
  // Last of what is applied: what cuts the host off must not keep the rest from being applied.
  if (change.network) order.ApplyNetwork();
  if (change.kind == ServicingKind::kUpdateAndReboot) {
    // Last of all, so that an interruption repeats this and nothing else: any start uses it up.
    order.TryKernelOptions(recorded);
    order.Reboot();
    order.KeepKernelOptions(recorded);
  }
  if (change.network) order.ConfirmNetwork();
  order.CommitLive();
  order.MoveStore(recorded);
  return order.Take();
}

}  // namespace trident
