// The declarations of the Host Status, for reader and writer. Private to common/status.
#ifndef TRIDENT_COMMON_STATUS_HOST_STATUS_SCHEMA_H_
#define TRIDENT_COMMON_STATUS_HOST_STATUS_SCHEMA_H_

#include <string>

#include "common/config/enum_names.h"
#include "common/config/field.h"
#include "common/config/reader.h"
#include "common/status/host_status.h"

namespace trident {

template <>
struct EnumNames<RaidArrayStatus::State> {
  static constexpr NameTable<RaidArrayStatus::State, 4> kNames = {{
      {RaidArrayStatus::State::kCreated, "created"},
      {RaidArrayStatus::State::kDegraded, "degraded"},
      {RaidArrayStatus::State::kReady, "ready"},
      {RaidArrayStatus::State::kFailed, "failed"},
  }};
};

template <>
struct EnumNames<Volume> {
  static constexpr NameTable<Volume, 2> kNames = {{
      {Volume::kA, "volume-a"},
      {Volume::kB, "volume-b"},
  }};
};

// `reconcileState`: two members of the model in one value of the document.
struct ReconcileValue {
  ReconcileState state = ReconcileState::kReady;
  ServicingKind update_kind = ServicingKind::kNone;

  bool operator==(const ReconcileValue&) const = default;
};

// The Host Status as its document has it.
struct HostStatusDocument {
  ReconcileValue reconcile_state;
  ManagementStatus management;
  StorageStatus storage;
  OsStatus os;
  std::optional<LastJobStatus> last_job;
};

// ready | clean-install | !update-in-progress ab-update
template <>
struct ValueCodec<ReconcileValue> {
  static constexpr char kDescription[] = "state";
  static void Read(Reader& reader, const YamlNode& node, const std::string& path,
                   ReconcileValue& out);
  static YamlNode Write(const ReconcileValue& value);
};

// unknown | zeroed | initialized | !image {sha256, length, url}
template <>
struct ValueCodec<Contents> {
  static constexpr char kDescription[] = "contents";
  static void Read(Reader& reader, const YamlNode& node, const std::string& path, Contents& out);
  static YamlNode Write(const Contents& value);
};

// Of an image on a device.
template <>
struct Schema<Contents> {
  static constexpr char kName[] = "ImageContents";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"sha256", "Of the file as fetched."}, &Contents::sha256);
    v.Required({"length", "Bytes written."}, &Contents::length);
    v.Required({"url", "Where it came from."}, &Contents::url);
    v.Optional({"filesystemUuid", "UUID that its file system came with, before it got its own."},
               &Contents::image_filesystem_uuid);
  }
};

template <>
struct Schema<PartitionStatus> {
  static constexpr char kName[] = "PartitionStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id in the Host Configuration."}, &PartitionStatus::id);
    v.Required({"path", "/dev/disk/by-partuuid/..."}, &PartitionStatus::path);
    v.Required({"start", "Offset on the disk in bytes."}, &PartitionStatus::start);
    v.Required({"end", "Start and size in bytes."}, &PartitionStatus::end);
    v.Required({"type", "Partition type."}, &PartitionStatus::type);
    v.Shown({"contents", "What it holds."}, &PartitionStatus::contents);
    v.Required({"uuid", "UUID of the partition."}, &PartitionStatus::uuid);
  }
};

template <>
struct Schema<DiskStatus> {
  static constexpr char kName[] = "DiskStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"uuid", "GUID of the partition table."}, &DiskStatus::uuid);
    v.Required({"path", "/dev/disk/by-path/..."}, &DiskStatus::path);
    v.Required({"capacity", "Usable bytes."}, &DiskStatus::capacity);
    v.Shown({"partitions", "In the order of the table."}, &DiskStatus::partitions);
    v.Shown({"contents", "What it holds."}, &DiskStatus::contents);
  }
};

// snake_case, as the original writes it.
template <>
struct Schema<RaidArrayStatus> {
  static constexpr char kName[] = "RaidArrayStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"name", "Below /dev/md."}, &RaidArrayStatus::name);
    v.Required({"device_paths", "Members."}, &RaidArrayStatus::device_paths);
    v.Required({"level", "RAID level."}, &RaidArrayStatus::level);
    v.Required({"status", "State of the array."}, &RaidArrayStatus::status);
    v.Required({"array_size", "Bytes."}, &RaidArrayStatus::array_size);
    v.Required({"path", "/dev/md127"}, &RaidArrayStatus::path);
    v.Required({"raid_symlink_path", "/dev/md/<name>"}, &RaidArrayStatus::raid_symlink_path);
    v.Required({"uuid", "md UUID."}, &RaidArrayStatus::uuid);
    v.Shown({"contents", "What it holds."}, &RaidArrayStatus::contents);
  }
};

// snake_case, as the original writes it.
template <>
struct Schema<EncryptedVolumeStatus> {
  static constexpr char kName[] = "EncryptedVolumeStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"device_name", "Below /dev/mapper."}, &EncryptedVolumeStatus::device_name);
    v.Required({"target_path", "What is encrypted."}, &EncryptedVolumeStatus::target_path);
    v.Required({"size", "Bytes."}, &EncryptedVolumeStatus::size);
    v.Shown({"contents", "What it holds."}, &EncryptedVolumeStatus::contents);
  }
};

template <>
struct Schema<VerityDeviceStatus> {
  static constexpr char kName[] = "VerityDeviceStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"deviceName", "Below /dev/mapper."}, &VerityDeviceStatus::device_name);
    v.Required({"dataDeviceId", "What holds the data."}, &VerityDeviceStatus::data_device_id);
    v.Required({"hashDeviceId", "What holds the hashes."}, &VerityDeviceStatus::hash_device_id);
    v.Shown({"rootHashes", "By id of what holds the data."}, &VerityDeviceStatus::root_hashes);
  }
};

template <>
struct Schema<MountPointStatus> {
  static constexpr char kName[] = "MountPointStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"path", "Where."}, &MountPointStatus::path);
    v.Required({"filesystem", "Which filesystem."}, &MountPointStatus::filesystem);
    v.Shown({"options", "Mount options."}, &MountPointStatus::options);
  }
};

template <>
struct Schema<VolumePairStatus> {
  static constexpr char kName[] = "VolumePairStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"volumeAId", "Id of volume A."}, &VolumePairStatus::volume_a_id);
    v.Required({"volumeBId", "Id of volume B."}, &VolumePairStatus::volume_b_id);
  }
};

template <>
struct Schema<AbUpdateStatus> {
  static constexpr char kName[] = "AbUpdateStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Shown({"volumePairs", "By id."}, &AbUpdateStatus::volume_pairs);
    v.Shown({"activeVolume", "What the running system uses."}, &AbUpdateStatus::active_volume);
  }
};

template <>
struct Schema<StorageStatus> {
  static constexpr char kName[] = "StorageStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"disks", "By id."}, &StorageStatus::disks);
    v.Optional({"raidArrays", "By id."}, &StorageStatus::raid_arrays);
    v.Optional({"encryptedVolumes", "By id."}, &StorageStatus::encrypted_volumes);
    v.Optional({"verityDevices", "By id."}, &StorageStatus::verity_devices);
    v.Optional({"mountPoints", "By id of the target."}, &StorageStatus::mount_points);
    v.Optional({"abUpdate", "The volume pairs."}, &StorageStatus::ab_update);
    v.Optional({"rootDevicePath", "The device of /."}, &StorageStatus::root_device_path);
  }
};

template <>
struct Schema<ManagementStatus> {
  static constexpr char kName[] = "ManagementStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Shown({"datastorePath", "The agent's database."}, &ManagementStatus::datastore_path);
  }
};

template <>
struct Schema<OsStatus> {
  static constexpr char kName[] = "OsStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"unlistedUsers", "Users of an earlier document."}, &OsStatus::unlisted_users);
    v.Optional({"unlistedFiles", "Files of an earlier document."}, &OsStatus::unlisted_files);
    v.Optional({"preserveConflicts", "Files carried over that the image brought, too."},
               &OsStatus::preserve_conflicts);
    v.Optional({"preservedBy", "The job that carried them over."}, &OsStatus::preserved_by);
  }
};

template <>
struct Schema<LastJobStatus> {
  static constexpr char kName[] = "LastJobStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id of the job."}, &LastJobStatus::id);
    v.Required({"state", "How it ended."}, &LastJobStatus::state);
    v.Shown({"servicingKind", "What it did."}, &LastJobStatus::servicing_kind);
    v.Shown({"reason", "Why it ended so."}, &LastJobStatus::reason);
  }
};

template <>
struct Schema<HostStatusDocument> {
  static constexpr char kName[] = "HostStatus";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Shown({"reconcileState", "What is being done."}, &HostStatusDocument::reconcile_state);
    v.Shown({"management", "The agent."}, &HostStatusDocument::management);
    v.Shown({"storage", "Block devices and what they hold."}, &HostStatusDocument::storage);
    v.Optional({"osconfig", "The operating system."}, &HostStatusDocument::os);
    v.Optional({"lastJob", "How the last job ended."}, &HostStatusDocument::last_job);
  }
};

}  // namespace trident

#endif  // TRIDENT_COMMON_STATUS_HOST_STATUS_SCHEMA_H_
