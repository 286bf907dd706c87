// The Host Status: what the agent observed and recorded about the host. The agent's document.
#ifndef TRIDENT_COMMON_STATUS_HOST_STATUS_H_
#define TRIDENT_COMMON_STATUS_HOST_STATUS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/error.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

enum class ReconcileState { kReady, kCleanInstall, kUpdateInProgress };

// What a block device holds. kUnknown until an image's hash matched and the device was flushed.
struct Contents {
  enum class Kind { kUnknown, kZeroed, kInitialized, kImage };
  Kind kind = Kind::kUnknown;
  // Of an image:
  std::string sha256;   // of the file as fetched
  uint64_t length = 0;  // bytes written
  std::string url;
  // File system UUID that the image came with, before the volume got its own; empty: not changed.
  std::string image_filesystem_uuid;

  bool operator==(const Contents&) const = default;
};

struct PartitionStatus {
  BlockDeviceId id;
  std::string path;    // /dev/disk/by-partuuid/<uuid>
  uint64_t start = 0;  // bytes
  uint64_t end = 0;    // bytes, start + size
  PartitionType type = PartitionType::kLinuxGeneric;
  Contents contents;
  std::string uuid;

  bool operator==(const PartitionStatus&) const = default;
};

struct DiskStatus {
  std::string uuid;
  std::string path;
  uint64_t capacity = 0;  // bytes
  std::vector<PartitionStatus> partitions;
  Contents contents;

  bool operator==(const DiskStatus&) const = default;
};

struct RaidArrayStatus {
  std::string name;
  std::vector<std::string> device_paths;
  RaidLevel level = RaidLevel::kRaid1;
  enum class State { kCreated, kReady, kDegraded, kFailed } status = State::kCreated;
  uint64_t array_size = 0;        // bytes
  std::string path;               // /dev/disk/by-id/md-uuid-<uuid>, the same under every OS
  std::string raid_symlink_path;  // /dev/md/<name>
  std::string uuid;               // as mdadm writes it, four groups of eight hex digits
  Contents contents;

  bool operator==(const RaidArrayStatus&) const = default;
};

struct EncryptedVolumeStatus {
  std::string device_name;  // below /dev/mapper
  std::string target_path;  // of the device that holds the encrypted data
  uint64_t size = 0;        // bytes, of what can be used
  Contents contents;

  bool operator==(const EncryptedVolumeStatus&) const = default;
};

struct VerityDeviceStatus {
  std::string device_name;  // below /dev/mapper, on the installed host
  BlockDeviceId data_device_id;
  BlockDeviceId hash_device_id;
  std::map<BlockDeviceId, std::string> root_hashes;  // by id of what holds the data: of A and of B

  bool operator==(const VerityDeviceStatus&) const = default;
};

struct MountPointStatus {
  std::string path;
  std::string filesystem;
  std::vector<std::string> options;

  bool operator==(const MountPointStatus&) const = default;
};

struct VolumePairStatus {
  BlockDeviceId volume_a_id;
  BlockDeviceId volume_b_id;

  bool operator==(const VolumePairStatus&) const = default;
};

struct AbUpdateStatus {
  std::map<BlockDeviceId, VolumePairStatus> volume_pairs;
  std::optional<Volume> active_volume;

  bool operator==(const AbUpdateStatus&) const = default;
};

struct StorageStatus {
  std::map<BlockDeviceId, DiskStatus> disks;
  std::map<BlockDeviceId, RaidArrayStatus> raid_arrays;
  std::map<BlockDeviceId, EncryptedVolumeStatus> encrypted_volumes;
  std::map<BlockDeviceId, VerityDeviceStatus> verity_devices;
  std::map<BlockDeviceId, MountPointStatus> mount_points;  // by target id
  std::optional<AbUpdateStatus> ab_update;
  std::optional<std::string> root_device_path;

  bool operator==(const StorageStatus&) const = default;
};

struct ManagementStatus {
  std::optional<std::string> datastore_path;

  bool operator==(const ManagementStatus&) const = default;
};

// Where the operating system differs from what the document says, and what an update had to decide.
struct OsStatus {
  // Users and files that an earlier document set up and the present one does not have: they stay.
  std::vector<std::string> unlisted_users;
  std::vector<std::string> unlisted_files;
  // Files that the last A/B update carried over although the new image brought them with another
  // content, and the job that did it.
  std::vector<std::string> preserve_conflicts;
  std::string preserved_by;

  bool operator==(const OsStatus&) const = default;
};

// How the last finished job ended: an addition to the original's document.
struct LastJobStatus {
  std::string id;
  std::string state;           // succeeded, failed, cancelled, rolled-back
  std::string servicing_kind;  // ab-update
  std::string reason;

  bool operator==(const LastJobStatus&) const = default;
};

struct HostStatus {
  ReconcileState reconcile_state = ReconcileState::kReady;
  // Of kUpdateInProgress.
  ServicingKind update_kind = ServicingKind::kNone;
  ManagementStatus management;
  StorageStatus storage;
  OsStatus os;
  std::optional<LastJobStatus> last_job;

  bool operator==(const HostStatus&) const = default;
};

// YAML as the original writes it: `reconcileState: !update-in-progress ab-update`,
// `contents: !image {...}`; empty maps and null optionals below `storage` are omitted.
std::string WriteHostStatus(const HostStatus& status);

// Reads what WriteHostStatus wrote. Unknown keys are ignored here: a newer agent may have
// written the row. INVALID_ARGUMENT with findings otherwise.
absl::StatusOr<HostStatus> ParseHostStatus(std::string_view yaml);

// The partition with this id on any disk, or null.
const PartitionStatus* FindPartition(const HostStatus& status, const BlockDeviceId& id);
PartitionStatus* FindPartition(HostStatus& status, const BlockDeviceId& id);

// A block device that the status records, whatever it is made of.
struct RecordedDevice {
  BlockDeviceId id;
  std::string path;            // by which it is opened
  std::string partition_uuid;  // empty: no partition
  uint64_t size = 0;           // bytes; 0: not known
  Contents contents;

  bool operator==(const RecordedDevice&) const = default;
};

// The partition, array, encrypted volume or verity device with this id; no value: not recorded. A
// verity device has no contents of its own: those are recorded of its data.
std::optional<RecordedDevice> FindDevice(const HostStatus& status, const BlockDeviceId& id);
// Where its contents are recorded, or null.
Contents* FindContents(HostStatus& status, const BlockDeviceId& id);

// What `id` means on `volume`: for a pair its half, for anything else the id itself.
BlockDeviceId ResolveVolume(const HostStatus& status, const BlockDeviceId& id, Volume volume);

}  // namespace trident

#endif  // TRIDENT_COMMON_STATUS_HOST_STATUS_H_
