#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/base/yaml_document.h"
#include "common/config/enum_names.h"
#include "common/config/lookup.h"
#include "common/config/oci_reference.h"
#include "common/config/partition_size.h"
#include "common/config/path.h"
#include "common/config/storage_index.h"
#include "common/config/validation.h"
#include "common/config/verity_validation.h"

namespace trident {
namespace {

// Labels of GPT partitions have 36 UTF-16 units (UEFI 2.10, table 5.6).
constexpr size_t kMaxLabelUnits = 36;
constexpr char kSwap[] = "swap";
// DM_NAME_LEN of linux/dm-ioctl.h, with its final zero.
constexpr size_t kMaxMapperName = 127;
constexpr uint32_t kLastPcr = 23;

// crypttab(5) has no escapes, and the device-mapper mangles other letters.
bool IsMapperName(std::string_view name) {
  return name.size() <= kMaxMapperName && name != "control" &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return IsAsciiAlnum(static_cast<unsigned char>(c)) ||
                  std::string_view("+-.:=@_").find(c) != std::string_view::npos;
         });
}

size_t Utf16Units(std::string_view text) {
  size_t units = 0;
  while (!text.empty()) {
    const size_t length = std::max<size_t>(1, Utf8CharacterLength(text));
    units += length == 4 ? 2 : 1;
    text.remove_prefix(length);
  }
  return units;
}

size_t MinimumMembers(RaidLevel level) {
  switch (level) {
    case RaidLevel::kRaid0:
    case RaidLevel::kRaid1:
    case RaidLevel::kRaid10:
      return 2;
    case RaidLevel::kRaid5:
      return 3;
    case RaidLevel::kRaid6:
      return 4;
  }
  return 2;
}

std::string Quoted(std::string_view text) { return StrCat("\"", Shorten(text), "\""); }

// Checks one storage section. The text of Check() is the list of what is checked.
class StorageValidator {
 public:
  StorageValidator(const Storage& storage, const std::string& path, FindingList& findings)
      : storage_(storage), path_(path), findings_(findings), index_(storage, path, findings) {}

  void Check() {
    CollectUses();
    CheckDisks();
    CheckEncryption();
    CheckRaid();
    CheckPairs();
    CheckMountPoints();
    CheckRootMount();
    CheckImages();
    ValidateVerity(storage_, path_, index_, findings_);
    ValidateOverlays(storage_, path_, index_, findings_);
  }

 private:
  // Who uses a device: id of the device -> place in the document and id of the user.
  struct Use {
    std::string path;
    BlockDeviceId user;
  };
  using Uses = std::map<BlockDeviceId, Use>;

  static const Use* FindUse(const Uses& uses, const BlockDeviceId& id) {
    const auto found = uses.find(id);
    return found == uses.end() ? nullptr : &found->second;
  }

  std::string ArrayPath(size_t index) const { return StrCat(path_, ".raid.software[", index, "]"); }
  std::string EncryptedPath(size_t index) const {
    return StrCat(path_, ".encryption.volumes[", index, "]");
  }
  std::string PairPath(size_t index) const {
    return StrCat(path_, ".abUpdate.volumePairs[", index, "]");
  }
  std::string MountPath(size_t index) const { return StrCat(path_, ".mountPoints[", index, "]"); }
  std::string ImagePath(size_t index) const { return StrCat(path_, ".images[", index, "]"); }

  void CollectUses() {
    for (size_t i = 0; i < storage_.raid.software.size(); ++i) {
      for (const BlockDeviceId& id : storage_.raid.software[i].devices) {
        array_members_.emplace(id, Use{ArrayPath(i), storage_.raid.software[i].id});
      }
    }
    if (storage_.encryption) {
      for (size_t i = 0; i < storage_.encryption->volumes.size(); ++i) {
        const EncryptedVolume& volume = storage_.encryption->volumes[i];
        encrypted_.emplace(volume.target_id, Use{EncryptedPath(i), volume.id});
      }
    }
    if (storage_.ab_update) {
      for (size_t i = 0; i < storage_.ab_update->volume_pairs.size(); ++i) {
        const VolumePair& pair = storage_.ab_update->volume_pairs[i];
        pair_halves_.emplace(pair.volume_a_id, Use{PairPath(i), pair.id});
        pair_halves_.emplace(pair.volume_b_id, Use{PairPath(i), pair.id});
      }
    }
    for (size_t i = 0; i < storage_.mount_points.size(); ++i) {
      mounted_.emplace(storage_.mount_points[i].target_id,
                       Use{MountPath(i), storage_.mount_points[i].path});
    }
    for (size_t i = 0; i < storage_.images.size(); ++i) {
      imaged_.emplace(storage_.images[i].target_id, Use{ImagePath(i), storage_.images[i].url});
    }
  }

  void CheckDisks() {
    std::map<std::string, std::string> devices;
    for (size_t i = 0; i < storage_.disks.size(); ++i) {
      const Disk& disk = storage_.disks[i];
      const std::string path = StrCat(path_, ".disks[", i, "]");
      const std::string device_path = path + ".device";
      if (!findings_.Failed(device_path)) {
        const auto [first, is_new] = devices.emplace(NormalizePath(disk.device), path);
        if (!is_new) {
          findings_.Add(
              device_path,
              StrCat("the device ", Quoted(disk.device), " is also that of ", first->second),
              "Name every disk once.");
        }
      }
      CheckPartitions(disk, path);
      CheckAdoptedPartitions(disk, path);
    }
  }

  void CheckPartitions(const Disk& disk, const std::string& disk_path) {
    const Partition* growing = nullptr;
    for (size_t i = 0; i < disk.partitions.size(); ++i) {
      const Partition& partition = disk.partitions[i];
      const std::string path = StrCat(disk_path, ".partitions[", i, "]");
      if (Utf16Units(partition.id) > kMaxLabelUnits) {
        findings_.Add(path + ".id",
                      StrCat("the id of a partition is its label on disk and has at most ",
                             kMaxLabelUnits, " characters"),
                      "Shorten the id.");
      }
      if (findings_.Failed(path + ".size")) continue;
      if (partition.size.grow && growing != nullptr) {
        findings_.Add(path + ".size",
                      StrCat("the partition ", Quoted(growing->id),
                             " of this disk grows already: only one can"),
                      "Give all but one partition of a disk a fixed size.");
      }
      if (partition.size.grow) growing = &partition;
      if (!partition.size.grow && partition.size.bytes == 0) {
        findings_.Add(path + ".size", "a partition of size 0 cannot be made",
                      "Write a size such as 512M, or grow.");
      }
    }
  }

  void CheckAdoptedPartitions(const Disk& disk, const std::string& disk_path) {
    for (size_t i = 0; i < disk.adopted_partitions.size(); ++i) {
      const AdoptedPartition& partition = disk.adopted_partitions[i];
      if (partition.uuid || partition.name || partition.position || partition.next_of_type) {
        continue;
      }
      findings_.Add(StrCat(disk_path, ".adoptedPartitions[", i, "]"),
                    "nothing says which partition is adopted",
                    "Add one of the keys uuid, name, position, nextOfType.");
    }
  }

  void CheckEncryption() {
    if (!storage_.encryption) return;
    const auto& volumes = storage_.encryption->volumes;
    if (volumes.empty()) {
      findings_.Add(path_ + ".encryption.volumes", "the list of encrypted volumes is empty",
                    "Add a volume, or remove \"encryption\".");
    }
    std::map<std::string, std::string> names;
    for (size_t i = 0; i < volumes.size(); ++i) {
      const EncryptedVolume& volume = volumes[i];
      const std::string path = EncryptedPath(i);
      if (!findings_.Failed(path + ".deviceName") && !IsMapperName(volume.device_name)) {
        findings_.Add(path + ".deviceName",
                      StrCat("the name ", Quoted(volume.device_name),
                             " cannot be that of a device below /dev/mapper"),
                      StrCat("Use at most ", kMaxMapperName,
                             " letters, digits and \"+-.:=@_\"; \"control\" is taken."));
      }
      if (!findings_.Failed(path + ".deviceName")) {
        const auto [first, is_new] = names.emplace(volume.device_name, path);
        if (!is_new) {
          findings_.Add(
              path + ".deviceName",
              StrCat("the name ", Quoted(volume.device_name), " is also that of ", first->second),
              "Give every encrypted volume a name of its own.");
        }
      }
      CheckEncryptedTarget(volume, path);
    }
    CheckOpening(*storage_.encryption);
  }

  // Something must be able to open the volumes.
  void CheckOpening(const EncryptionSettings& encryption) {
    const std::string path = path_ + ".encryption";
    if (encryption.pcrs) CheckPcrs(encryption, path + ".pcrs");
    if (encryption.tpm2 != Tpm2Use::kNever || encryption.recovery_key_url ||
        findings_.Failed(path + ".tpm2") || findings_.Failed(path + ".recoveryKeyUrl")) {
      return;
    }
    for (const EncryptedVolume& volume : encryption.volumes) {
      if (HoldsOnlySwap(storage_, volume.id)) continue;
      findings_.Add(path + ".tpm2",
                    StrCat("nothing could open the encrypted volume ", Quoted(volume.id),
                           ": there is no recovery key, and the TPM is not used"),
                    "Add \"recoveryKeyUrl\", or write preferred or required.");
      return;
    }
  }

  void CheckPcrs(const EncryptionSettings& encryption, const std::string& path) {
    if (encryption.tpm2 == Tpm2Use::kNever) {
      findings_.Add(path, "the TPM that would compare the registers is not used",
                    "Remove \"pcrs\", or write \"tpm2: preferred\" or \"tpm2: required\".");
    }
    std::set<uint32_t> seen;
    for (size_t i = 0; i < encryption.pcrs->size(); ++i) {
      const std::string item = StrCat(path, "[", i, "]");
      const uint32_t pcr = (*encryption.pcrs)[i];
      if (findings_.Failed(item)) continue;
      if (pcr > kLastPcr) {
        findings_.Add(item, StrCat("a TPM has no platform configuration register ", pcr),
                      "Write numbers from 0 to 23.");
      } else if (!seen.insert(pcr).second) {
        findings_.Add(item, StrCat("the register ", pcr, " is named twice"),
                      "Name every register once.");
      }
    }
  }

  void CheckEncryptedTarget(const EncryptedVolume& volume, const std::string& volume_path) {
    const std::string path = volume_path + ".targetId";
    const IndexedDevice* const device = index_.Resolve(volume.target_id, path, findings_);
    if (device == nullptr) return;
    if (const Use* use = FindUse(encrypted_, volume.target_id); use->path != volume_path) {
      RefuseUse(path, volume.target_id, StrCat("is also encrypted by ", use->path));
    }
    if (const Use* use = FindUse(mounted_, volume.target_id)) {
      RefuseUse(path, volume.target_id,
                StrCat("is mounted by ", use->path, " without its encryption"));
    }
    if (const Use* use = FindUse(array_members_, volume.target_id)) {
      RefuseUse(path, volume.target_id, StrCat("is a member of the array at ", use->path));
    }
    if (const Use* use = FindUse(pair_halves_, volume.target_id)) {
      RefuseUse(path, volume.target_id, StrCat("is one half of the volume pair at ", use->path));
    }
    if (const Use* use = FindUse(imaged_, volume.target_id)) {
      RefuseUse(path, volume.target_id, StrCat("is overwritten by the image at ", use->path));
    }
    if (!ExpectKind(path, volume.target_id, *device,
                    {DeviceKind::kPartition, DeviceKind::kRaidArray})) {
      return;
    }
    std::vector<const Partition*> partitions = {device->partition};
    if (device->array != nullptr) partitions = MembersOf(*device->array);
    for (const Partition* partition : partitions) {
      if (partition == nullptr ||
          (partition->type != PartitionType::kEsp && partition->type != PartitionType::kRoot &&
           partition->type != PartitionType::kRootVerity &&
           partition->type != PartitionType::kUsrVerity)) {
        continue;
      }
      findings_.Add(
          path,
          StrCat("the partition ", Quoted(partition->id), " has type \"", EnumName(partition->type),
                 "\" and cannot be encrypted"),
          "Encrypt a partition that is not of type esp, root, root-verity or usr-verity.");
      break;
    }
  }

  void CheckRaid() {
    std::map<std::string, std::string> names;
    std::set<BlockDeviceId> seen;
    for (size_t i = 0; i < storage_.raid.software.size(); ++i) {
      const SoftwareRaidArray& array = storage_.raid.software[i];
      const std::string path = ArrayPath(i);
      if (!findings_.Failed(path + ".name")) {
        const auto [first, is_new] = names.emplace(array.name, path);
        if (!is_new) {
          findings_.Add(path + ".name",
                        StrCat("the name ", Quoted(array.name), " is also that of ", first->second),
                        "Give every array a name of its own.");
        }
      }
      const size_t minimum = findings_.Failed(path + ".level") ? 1 : MinimumMembers(array.level);
      if (array.devices.size() < minimum) {
        findings_.Add(path + ".devices",
                      StrCat("a ", EnumName(array.level), " array needs at least ", minimum,
                             " devices, found ", array.devices.size()),
                      "Add partitions, or choose another level.");
      }
      CheckMembers(array, path, seen);
    }
  }

  void CheckMembers(const SoftwareRaidArray& array, const std::string& array_path,
                    std::set<BlockDeviceId>& seen) {
    const Partition* first = nullptr;
    for (size_t i = 0; i < array.devices.size(); ++i) {
      const BlockDeviceId& id = array.devices[i];
      const std::string path = StrCat(array_path, ".devices[", i, "]");
      const IndexedDevice* const device = index_.Resolve(id, path, findings_);
      if (device == nullptr || !ExpectKind(path, id, *device, {DeviceKind::kPartition})) continue;
      if (!seen.insert(id).second) {
        RefuseUse(path, id, "is a member of an array already");
        continue;
      }
      const Partition* const partition = device->partition;
      if (partition == nullptr || findings_.Failed(device->path + ".size")) continue;
      if (partition->size.grow) {
        findings_.Add(path,
                      StrCat("the partition ", Quoted(id),
                             " grows; members of an array need "
                             "a fixed size"),
                      "Give the partition a fixed size.");
        continue;
      }
      if (first == nullptr) first = partition;
      if (partition->size != first->size) {
        findings_.Add(path,
                      StrCat("the partition ", Quoted(id), " has the size ",
                             FormatPartitionSize(partition->size), ", ", Quoted(first->id), " has ",
                             FormatPartitionSize(first->size)),
                      "Give all members of an array the same size.");
      }
    }
  }

  void CheckPairs() {
    if (!storage_.ab_update) return;
    std::map<BlockDeviceId, std::string> seen;
    const auto& pairs = storage_.ab_update->volume_pairs;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const VolumePair& pair = pairs[i];
      const std::string path_a = PairPath(i) + ".volumeAId";
      const std::string path_b = PairPath(i) + ".volumeBId";
      const IndexedDevice* const a = CheckHalf(pair.volume_a_id, path_a, seen);
      if (pair.volume_a_id == pair.volume_b_id && !findings_.Failed(path_a) &&
          !findings_.Failed(path_b)) {
        findings_.Add(path_b, "volume A and volume B are the same", "Name two volumes.");
        continue;
      }
      const IndexedDevice* const b = CheckHalf(pair.volume_b_id, path_b, seen);
      if (a != nullptr && b != nullptr) CheckHalvesAreAlike(*a, *b, path_b);
    }
  }

  // The device, when the half is good.
  const IndexedDevice* CheckHalf(const BlockDeviceId& id, const std::string& path,
                                 std::map<BlockDeviceId, std::string>& seen) {
    const IndexedDevice* const device = index_.Resolve(id, path, findings_);
    if (device == nullptr || !ExpectKind(path, id, *device,
                                         {DeviceKind::kPartition, DeviceKind::kRaidArray,
                                          DeviceKind::kEncryptedVolume})) {
      return nullptr;
    }
    if (const auto [first, is_new] = seen.emplace(id, path); !is_new) {
      RefuseUse(path, id, StrCat("belongs to a volume pair already, as ", first->second));
      return nullptr;
    }
    if (const Use* use = FindUse(array_members_, id)) {
      RefuseUse(path, id, StrCat("is a member of the array at ", use->path));
      return nullptr;
    }
    return device;
  }

  void CheckHalvesAreAlike(const IndexedDevice& a, const IndexedDevice& b,
                           const std::string& path) {
    if (a.partition == nullptr || b.partition == nullptr) return;
    if (a.partition->type != b.partition->type && !findings_.Failed(a.path + ".type") &&
        !findings_.Failed(b.path + ".type")) {
      findings_.Add(path,
                    StrCat("volume A has the partition type \"", EnumName(a.partition->type),
                           "\", volume B has \"", EnumName(b.partition->type), "\""),
                    "Give both partitions of a pair the same type.");
    }
    if (a.partition->size != b.partition->size && !findings_.Failed(a.path + ".size") &&
        !findings_.Failed(b.path + ".size")) {
      findings_.Add(path,
                    StrCat("volume A has the size ", FormatPartitionSize(a.partition->size),
                           ", volume B has ", FormatPartitionSize(b.partition->size)),
                    "Give both partitions of a pair the same size.");
    }
  }

  void CheckMountPoints() {
    std::map<std::string, std::string> paths;
    for (size_t i = 0; i < storage_.mount_points.size(); ++i) {
      const MountPoint& mount = storage_.mount_points[i];
      CheckMountPath(mount, MountPath(i), paths);
      CheckMountTarget(mount, MountPath(i));
    }
  }

  void CheckMountPath(const MountPoint& mount, const std::string& mount_path,
                      std::map<std::string, std::string>& paths) {
    const std::string path = mount_path + ".path";
    if (findings_.Failed(path)) return;
    const bool may_be_swap = mount.path == "none" || mount.path == kSwap;
    if (may_be_swap && findings_.Failed(mount_path + ".filesystem")) return;
    if (mount.filesystem == kSwap) {
      if (mount.path != "none" && mount.path != kSwap) {
        findings_.Add(path, StrCat("swap is not mounted at ", Quoted(mount.path)),
                      "Write none as the path of swap.");
      }
      return;
    }
    if (const auto fault = CheckFormat(Format::kAbsolutePath, mount.path)) {
      findings_.Add(path, StrCat(fault->reason, ", found ", Quoted(mount.path)), fault->remedy);
      return;
    }
    const auto [first, is_new] = paths.emplace(NormalizePath(mount.path), mount_path);
    if (!is_new) {
      findings_.Add(
          path,
          StrCat("something is mounted at ", Quoted(mount.path), " already, by ", first->second),
          "Mount one filesystem per path.");
    }
  }

  void CheckMountTarget(const MountPoint& mount, const std::string& mount_path) {
    const std::string path = mount_path + ".targetId";
    const IndexedDevice* const device = index_.Resolve(mount.target_id, path, findings_);
    if (device == nullptr) return;
    if (!ExpectKind(path, mount.target_id, *device,
                    {DeviceKind::kPartition, DeviceKind::kRaidArray, DeviceKind::kEncryptedVolume,
                     DeviceKind::kVolumePair, DeviceKind::kVerityDevice})) {
      return;
    }
    if (const Use* use = FindUse(mounted_, mount.target_id); use->path != mount_path) {
      RefuseUse(path, mount.target_id, StrCat("is mounted already, by ", use->path));
    }
    RefusePart(path, mount.target_id);
  }

  void CheckRootMount() {
    if (storage_.disks.empty() ||
        !findings_.KnowsAll(path_ + ".mountPoints", storage_.mount_points.size(), "path")) {
      return;
    }
    for (const MountPoint& mount : storage_.mount_points) {
      if (mount.filesystem != kSwap && NormalizePath(mount.path) == "/") return;
    }
    findings_.Add(path_ + ".mountPoints", "there are disks, but nothing is mounted at \"/\"",
                  "Add a mount point with the path / for the root filesystem.");
  }

  void CheckImages() {
    for (size_t i = 0; i < storage_.images.size(); ++i) {
      const Image& image = storage_.images[i];
      CheckHash(image, ImagePath(i) + ".sha256");
      const std::string path = ImagePath(i) + ".targetId";
      const IndexedDevice* const device = index_.Resolve(image.target_id, path, findings_);
      if (device == nullptr || !ExpectKind(path, image.target_id, *device,
                                           {DeviceKind::kPartition, DeviceKind::kEncryptedVolume,
                                            DeviceKind::kVolumePair})) {
        continue;
      }
      if (const Use* use = FindUse(imaged_, image.target_id); use->path != ImagePath(i)) {
        RefuseUse(path, image.target_id, StrCat("is written already, by ", use->path));
      }
      RefusePart(path, image.target_id);
    }
  }

  void CheckHash(const Image& image, const std::string& path) {
    if (image.sha256.kind != ImageHash::Kind::kManifest || !ParseOciReference(image.url).ok()) {
      return;
    }
    findings_.Add(path, "a registry has no file SHA256SUMS beside its images",
                  "Write ignored, or the hash: the digest of the layer is compared in any case.");
  }

  // A part of something larger is used only through that.
  void RefusePart(const std::string& path, const BlockDeviceId& id) {
    if (const Use* use = FindUse(array_members_, id)) {
      findings_.Add(path, StrCat(Quoted(id), " is a member of the array at ", use->path),
                    StrCat("Refer to the array, ", Quoted(use->user), "."));
    }
    if (const Use* use = FindUse(pair_halves_, id)) {
      findings_.Add(path, StrCat(Quoted(id), " is one half of the volume pair at ", use->path),
                    StrCat("Refer to the pair, ", Quoted(use->user), "."));
    }
  }

  void RefuseUse(const std::string& path, const BlockDeviceId& id, std::string_view why) {
    findings_.Add(path, StrCat(Quoted(id), " ", why), "Use every volume for one thing.");
  }

  bool ExpectKind(const std::string& path, const BlockDeviceId& id, const IndexedDevice& device,
                  std::initializer_list<DeviceKind> kinds) {
    if (std::find(kinds.begin(), kinds.end(), device.kind) != kinds.end()) return true;
    std::vector<std::string_view> names;
    for (const DeviceKind kind : kinds) names.push_back(DeviceKindName(kind));
    const std::string allowed = StrJoin(names, " or ");
    findings_.Add(
        path,
        StrCat("expected ", allowed, ", but ", Quoted(id), " is ", DeviceKindName(device.kind)),
        StrCat("Refer to ", allowed, "."));
    return false;
  }

  std::vector<const Partition*> MembersOf(const SoftwareRaidArray& array) const {
    std::vector<const Partition*> members;
    for (const BlockDeviceId& id : array.devices) {
      if (const IndexedDevice* device = index_.Find(id)) members.push_back(device->partition);
    }
    return members;
  }

  const Storage& storage_;
  const std::string& path_;
  FindingList& findings_;
  StorageIndex index_;
  // The first use of each kind.
  Uses array_members_;
  Uses encrypted_;
  Uses pair_halves_;
  Uses mounted_;
  Uses imaged_;
};

}  // namespace

void ValidateStorage(const Storage& storage, const std::string& path, FindingList& findings) {
  StorageValidator(storage, path, findings).Check();
}

}  // namespace trident
