#include "common/config/verity_validation.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/enum_names.h"
#include "common/config/path.h"

namespace trident {
namespace {

// Of SHA-256, which veritysetup(8) uses unless it is told otherwise.
constexpr size_t kRootHashDigits = 64;

std::string Quoted(std::string_view text) { return StrCat("\"", Shorten(text), "\""); }

bool IsDataType(PartitionType type) {
  return type == PartitionType::kRoot || type == PartitionType::kUsr ||
         type == PartitionType::kLinuxGeneric;
}

// The type that the hashes of data of this type have.
PartitionType PartnerOf(PartitionType data) {
  switch (data) {
    case PartitionType::kRoot:
      return PartitionType::kRootVerity;
    case PartitionType::kUsr:
      return PartitionType::kUsrVerity;
    default:
      return PartitionType::kLinuxGeneric;
  }
}

bool IsRootHash(std::string_view text) {
  return text.size() == kRootHashDigits && std::all_of(text.begin(), text.end(), IsAsciiHexDigit);
}

class VerityValidator {
 public:
  VerityValidator(const Storage& storage, const std::string& path, const StorageIndex& index,
                  FindingList& findings)
      : storage_(storage), path_(path), index_(index), findings_(findings) {}

  void Check() {
    for (size_t i = 0; i < storage_.verity.size(); ++i) {
      const VerityDevice& verity = storage_.verity[i];
      const std::string path = StrCat(path_, ".verity[", i, "]");
      CheckName(verity, path);
      CheckDevices(verity, path);
      CheckMount(verity, path);
      CheckImages(verity, path);
    }
    CheckPartsAreNotMounted();
    CheckRootHashes();
    CheckWritableEtc();
  }

 private:
  void CheckName(const VerityDevice& verity, const std::string& verity_path) {
    const std::string path = verity_path + ".name";
    if (verity.name != "root" && verity.name != "usr") {
      findings_.Add(path,
                    StrCat("the name of a verity device is root or usr, not ", Quoted(verity.name)),
                    "Write root for the device at \"/\", usr for the one at \"/usr\".");
      return;
    }
    const auto [first, is_new] = names_.emplace(verity.name, verity_path);
    if (is_new) return;
    findings_.Add(path,
                  StrCat("the name ", Quoted(verity.name), " is also that of ", first->second),
                  "Give every verity device a name of its own.");
  }

  void CheckDevices(const VerityDevice& verity, const std::string& path) {
    const std::string data_path = path + ".dataDeviceId";
    const std::string hash_path = path + ".hashDeviceId";
    const IndexedDevice* const data = CheckPart(verity.data_device_id, data_path);
    const IndexedDevice* const hash = CheckPart(verity.hash_device_id, hash_path);
    if (data == nullptr || hash == nullptr) return;
    if (data->kind != hash->kind) {
      findings_.Add(hash_path,
                    StrCat("the data is ", DeviceKindName(data->kind), ", its hashes are on ",
                           DeviceKindName(hash->kind)),
                    "Use two partitions, two arrays or two volume pairs: what belongs together "
                    "switches together.");
      return;
    }
    CheckTypes(verity, *data, *hash, path);
  }

  // The device, when it can be part of a verity device.
  const IndexedDevice* CheckPart(const BlockDeviceId& id, const std::string& path) {
    const IndexedDevice* const device = index_.Resolve(id, path, findings_);
    if (device == nullptr) return nullptr;
    if (device->kind != DeviceKind::kPartition && device->kind != DeviceKind::kRaidArray &&
        device->kind != DeviceKind::kVolumePair) {
      findings_.Add(path,
                    StrCat("expected a partition, a RAID array or a volume pair, but ", Quoted(id),
                           " is ", DeviceKindName(device->kind)),
                    "Refer to one that is neither encrypted nor a verity device.");
      return nullptr;
    }
    const auto [first, is_new] = parts_.emplace(id, path);
    if (!is_new) {
      findings_.Add(path,
                    StrCat(Quoted(id), " is part of a verity device already, as ", first->second),
                    "Use every volume for one thing.");
      return nullptr;
    }
    for (const SoftwareRaidArray& array : storage_.raid.software) {
      if (std::find(array.devices.begin(), array.devices.end(), id) == array.devices.end()) {
        continue;
      }
      findings_.Add(path, StrCat(Quoted(id), " is a member of the array ", Quoted(array.id)),
                    "Refer to the array.");
      return nullptr;
    }
    if (storage_.ab_update) {
      for (const VolumePair& pair : storage_.ab_update->volume_pairs) {
        if (pair.volume_a_id != id && pair.volume_b_id != id) continue;
        findings_.Add(path, StrCat(Quoted(id), " is one half of the volume pair ", Quoted(pair.id)),
                      "Refer to the pair.");
        return nullptr;
      }
    }
    return CheckNotEncrypted(id, *device, path) ? device : nullptr;
  }

  bool CheckNotEncrypted(const BlockDeviceId& id, const IndexedDevice& device,
                         const std::string& path) {
    if (!storage_.encryption) return true;
    std::vector<BlockDeviceId> below = {id};
    if (device.pair != nullptr) below = {device.pair->volume_a_id, device.pair->volume_b_id};
    for (const EncryptedVolume& volume : storage_.encryption->volumes) {
      const bool is_below = std::any_of(below.begin(), below.end(), [&](const BlockDeviceId& one) {
        return one == volume.id || one == volume.target_id;
      });
      if (!is_below) continue;
      findings_.Add(path,
                    StrCat(Quoted(id), " is encrypted, as ", Quoted(volume.id),
                           "; what is below a verity device must not be"),
                    "Use volumes that are not encrypted: their contents are checked, not hidden.");
      return false;
    }
    return true;
  }

  // All partitions below a device that has already been found to be good.
  std::vector<const Partition*> PartitionsOf(const IndexedDevice& device) const {
    std::vector<const Partition*> found;
    const auto add = [&](const IndexedDevice* one) {
      if (one != nullptr && one->partition != nullptr) found.push_back(one->partition);
    };
    const auto add_array = [&](const IndexedDevice* one) {
      if (one == nullptr || one->array == nullptr) return;
      for (const BlockDeviceId& member : one->array->devices) add(index_.Find(member));
    };
    add(&device);
    add_array(&device);
    if (device.pair != nullptr) {
      for (const BlockDeviceId& half : {device.pair->volume_a_id, device.pair->volume_b_id}) {
        add(index_.Find(half));
        add_array(index_.Find(half));
      }
    }
    return found;
  }

  void CheckTypes(const VerityDevice& verity, const IndexedDevice& data, const IndexedDevice& hash,
                  const std::string& path) {
    const PartitionType* data_type = nullptr;
    for (const Partition* partition : PartitionsOf(data)) {
      const bool other_use = (verity.name == "root" && partition->type == PartitionType::kUsr) ||
                             (verity.name == "usr" && partition->type == PartitionType::kRoot);
      if (!IsDataType(partition->type) || other_use) {
        findings_.Add(
            path + ".dataDeviceId",
            StrCat("the partition ", Quoted(partition->id), " has type \"",
                   EnumName(partition->type), "\" and cannot hold the data of ",
                   Quoted(verity.name)),
            StrCat("Use type ", verity.name == "usr" ? "usr" : "root", " or linux-generic."));
        return;
      }
      data_type = &partition->type;
    }
    if (data_type == nullptr) return;
    const PartitionType wanted = PartnerOf(*data_type);
    for (const Partition* partition : PartitionsOf(hash)) {
      if (partition->type == wanted) continue;
      findings_.Add(path + ".hashDeviceId",
                    StrCat("the partition ", Quoted(partition->id), " has type \"",
                           EnumName(partition->type), "\"; the hashes of \"", EnumName(*data_type),
                           "\" are on \"", EnumName(wanted), "\""),
                    StrCat("Use type ", EnumName(wanted), "."));
      return;
    }
  }

  void CheckMount(const VerityDevice& verity, const std::string& verity_path) {
    const std::string wanted = verity.name == "usr" ? "/usr" : "/";
    bool is_mounted = false;
    for (size_t i = 0; i < storage_.mount_points.size(); ++i) {
      const MountPoint& mount = storage_.mount_points[i];
      if (mount.target_id != verity.id) continue;
      is_mounted = true;
      const std::string path = StrCat(path_, ".mountPoints[", i, "]");
      if (mount.path.starts_with("/") && NormalizePath(mount.path) != wanted) {
        findings_.Add(path + ".path",
                      StrCat("the verity device ", Quoted(verity.name), " is mounted at ",
                             Quoted(mount.path), ", not at ", Quoted(wanted)),
                      "Mount root at / and usr at /usr.");
      }
      if (mount.filesystem != "ext4" && mount.filesystem != "xfs") {
        findings_.Add(path + ".filesystem",
                      StrCat("the file system of a verity device is ext4 or xfs, not ",
                             Quoted(mount.filesystem)),
                      "Use an image with one of them.");
      }
      for (size_t j = 0; j < mount.options.size(); ++j) {
        if (mount.options[j] != "rw") continue;
        findings_.Add(StrCat(path, ".options[", j, "]"), "a verity device cannot be written",
                      "Remove \"rw\"; \"ro\" is added where it is not there.");
      }
    }
    if (is_mounted || !index_.knows_mounts()) return;
    findings_.Add(verity_path + ".id",
                  StrCat("the verity device ", Quoted(verity.id), " is not mounted"),
                  StrCat("Add a mount point with the path ", wanted, " and this targetId."));
  }

  const Image* ImageFor(const BlockDeviceId& id, size_t* index) const {
    for (size_t i = 0; i < storage_.images.size(); ++i) {
      if (storage_.images[i].target_id != id) continue;
      *index = i;
      return &storage_.images[i];
    }
    return nullptr;
  }

  void CheckImages(const VerityDevice& verity, const std::string& path) {
    // An image whose target was refused may be the one that seems to be missing.
    if (!findings_.KnowsAll(path_ + ".images", storage_.images.size(), "targetId")) return;
    size_t index = 0;
    if (ImageFor(verity.hash_device_id, &index) == nullptr) {
      findings_.Add(path + ".hashDeviceId",
                    StrCat("no image is for ", Quoted(verity.hash_device_id),
                           ", which holds the tree of hashes"),
                    "Add the image that veritysetup format made with the data.");
    }
    const Image* const data = ImageFor(verity.data_device_id, &index);
    if (data == nullptr) {
      findings_.Add(path + ".dataDeviceId",
                    StrCat("no image is for ", Quoted(verity.data_device_id),
                           ", which holds the data of a verity device"),
                    "Add its image, with verityRootHash.");
    } else if (!data->verity_root_hash) {
      findings_.Add(StrCat(path_, ".images[", index, "]"),
                    "the image holds the data of a verity device, but its root hash is not given",
                    "Add \"verityRootHash\", which veritysetup format prints.");
    }
  }

  void CheckPartsAreNotMounted() {
    for (size_t i = 0; i < storage_.mount_points.size(); ++i) {
      for (const VerityDevice& verity : storage_.verity) {
        const BlockDeviceId& target = storage_.mount_points[i].target_id;
        if (target != verity.data_device_id && target != verity.hash_device_id) continue;
        findings_.Add(StrCat(path_, ".mountPoints[", i, "].targetId"),
                      StrCat(Quoted(target), " is part of the verity device ", Quoted(verity.id),
                             ", and would be mounted without being checked"),
                      StrCat("Refer to the verity device, ", Quoted(verity.id), "."));
      }
    }
  }

  void CheckRootHashes() {
    for (size_t i = 0; i < storage_.images.size(); ++i) {
      const Image& image = storage_.images[i];
      if (!image.verity_root_hash) continue;
      const std::string path = StrCat(path_, ".images[", i, "].verityRootHash");
      if (!IsRootHash(*image.verity_root_hash)) {
        findings_.Add(path,
                      StrCat("a root hash has ", kRootHashDigits, " hexadecimal digits, found ",
                             Quoted(*image.verity_root_hash)),
                      "Write what veritysetup format prints as \"Root hash\", with sha256.");
      }
      const bool is_data = std::any_of(
          storage_.verity.begin(), storage_.verity.end(),
          [&](const VerityDevice& verity) { return verity.data_device_id == image.target_id; });
      if (is_data || findings_.IsIncomplete(path_ + ".verity") ||
          findings_.Failed(path_ + ".verity")) {
        continue;
      }
      findings_.Add(path,
                    StrCat(Quoted(image.target_id),
                           " holds the data of no verity device, so that "
                           "nothing would be compared with the root hash"),
                    "Declare the verity device in storage.verity, or remove the root hash.");
    }
  }

  // What the agent writes for the new system, fstab before all, goes to /etc.
  void CheckWritableEtc() {
    if (findings_.IsIncomplete(path_ + ".overlays") || findings_.Failed(path_ + ".overlays")) {
      return;
    }
    for (size_t i = 0; i < storage_.verity.size(); ++i) {
      if (storage_.verity[i].name != "root") continue;
      const bool has_etc =
          std::any_of(storage_.overlays.begin(), storage_.overlays.end(),
                      [](const Overlay& overlay) { return NormalizePath(overlay.path) == "/etc"; });
      if (has_etc) continue;
      findings_.Add(StrCat(path_, ".verity[", i, "]"),
                    "the root cannot be written, so that /etc/fstab and the like could not be "
                    "made for it",
                    "Add an overlay with the path /etc to storage.overlays.");
    }
  }

  const Storage& storage_;
  const std::string& path_;
  const StorageIndex& index_;
  FindingList& findings_;
  std::map<std::string, std::string> names_;
  std::map<BlockDeviceId, std::string> parts_;
};

}  // namespace

void ValidateVerity(const Storage& storage, const std::string& path, const StorageIndex& index,
                    FindingList& findings) {
  VerityValidator(storage, path, index, findings).Check();
}

}  // namespace trident
