// The Host Configuration: the state that a host should be in. The user's document as a model.
//
// docs/host-configuration.md is generated from the declarations of these fields (schema.cc).
#ifndef TRIDENT_COMMON_CONFIG_HOST_CONFIGURATION_H_
#define TRIDENT_COMMON_CONFIG_HOST_CONFIGURATION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/yaml_value.h"
#include "common/config/image_hash.h"
#include "common/config/partition_type.h"

namespace trident {

// Id of a disk, partition, array, encrypted volume, A/B pair or verity device; all share one
// namespace.
using BlockDeviceId = std::string;

// A size in bytes, or all the room that the other partitions of the disk leave.
struct PartitionSize {
  bool grow = false;
  uint64_t bytes = 0;  // 0 when `grow`

  bool operator==(const PartitionSize&) const = default;
};

struct Partition {
  BlockDeviceId id;
  PartitionType type = PartitionType::kLinuxGeneric;
  PartitionSize size;

  bool operator==(const Partition&) const = default;
};

// A partition that is there already and whose contents are kept.
struct AdoptedPartition {
  BlockDeviceId id;
  std::optional<PartitionSize> size;  // expand only
  std::optional<std::string> uuid;
  std::optional<std::string> name;
  std::optional<uint64_t> position;  // 0-based place in the table
  std::optional<PartitionType> next_of_type;
  bool continue_if_no_match = false;

  bool operator==(const AdoptedPartition&) const = default;
};

enum class PartitionTableType { kGpt };

struct Disk {
  BlockDeviceId id;
  std::string device;  // absolute path, a stable link is advised
  PartitionTableType partition_table_type = PartitionTableType::kGpt;
  std::vector<Partition> partitions;
  std::vector<AdoptedPartition> adopted_partitions;

  bool operator==(const Disk&) const = default;
};

struct EncryptedVolume {
  BlockDeviceId id;
  std::string device_name;  // below /dev/mapper
  BlockDeviceId target_id;

  bool operator==(const EncryptedVolume&) const = default;
};

// Whether the TPM opens encrypted volumes.
enum class Tpm2Use { kRequired, kPreferred, kNever };

struct EncryptionSettings {
  std::optional<std::string> recovery_key_url;  // file://
  Tpm2Use tpm2 = Tpm2Use::kPreferred;
  // Platform configuration registers, 0 to 23; unset: see PcrsOf (lookup.h).
  std::optional<std::vector<uint32_t>> pcrs;
  std::vector<EncryptedVolume> volumes;

  bool operator==(const EncryptionSettings&) const = default;
};

enum class RaidLevel { kRaid0, kRaid1, kRaid5, kRaid6, kRaid10 };

struct SoftwareRaidArray {
  BlockDeviceId id;
  std::string name;  // device is /dev/md/<name>
  RaidLevel level = RaidLevel::kRaid1;
  std::vector<BlockDeviceId> devices;
  std::string metadata_version;

  bool operator==(const SoftwareRaidArray&) const = default;
};

struct Raid {
  std::vector<SoftwareRaidArray> software;

  bool operator==(const Raid&) const = default;
};

struct MountPoint {
  std::string path;        // absolute; "none" for swap
  std::string filesystem;  // ext4, vfat, swap, ...
  std::vector<std::string> options;
  BlockDeviceId target_id;

  bool operator==(const MountPoint&) const = default;
};

struct VolumePair {
  BlockDeviceId id;
  BlockDeviceId volume_a_id;
  BlockDeviceId volume_b_id;

  bool operator==(const VolumePair&) const = default;
};

// Who writes the images of volume pairs.
enum class UpdateEngine { kNative, kSystemdSysupdate };

struct AbUpdate {
  std::vector<VolumePair> volume_pairs;
  UpdateEngine engine = UpdateEngine::kNative;

  bool operator==(const AbUpdate&) const = default;
};

enum class ImageFormat { kRaw, kRawGzip, kRawZstd, kRawLzma };

struct Image {
  std::string url;
  ImageHash sha256;
  ImageFormat format = ImageFormat::kRawZstd;
  BlockDeviceId target_id;
  // Of what the image holds, when its target is the data of a verity device: 64 hex digits.
  std::optional<std::string> verity_root_hash = {};

  bool operator==(const Image&) const = default;
};

// What the kernel does when it reads a block that does not match its hash.
enum class CorruptionOption { kIoError, kIgnore, kPanic, kRestart };

// A read-only device: every block of the data is compared with the hash tree when it is read.
struct VerityDevice {
  BlockDeviceId id;
  std::string name;  // below /dev/mapper: root or usr
  BlockDeviceId data_device_id;
  BlockDeviceId hash_device_id;
  CorruptionOption corruption_option = CorruptionOption::kPanic;

  bool operator==(const VerityDevice&) const = default;
};

// A folder whose changes are kept elsewhere, so that what is below it need not be written.
struct Overlay {
  std::string path;
  std::optional<BlockDeviceId> target_id;  // of what keeps the changes; none: memory
  bool persistent = true;

  bool operator==(const Overlay&) const = default;
};

struct Storage {
  std::vector<Disk> disks;
  std::optional<EncryptionSettings> encryption;
  Raid raid;
  std::vector<MountPoint> mount_points;
  std::optional<AbUpdate> ab_update;
  std::vector<Image> images;
  std::vector<VerityDevice> verity;
  std::vector<Overlay> overlays;

  bool operator==(const Storage&) const = default;
};

// How a host gets from the running system into the new one.
enum class Transition { kFirmware, kKexec };

struct Management {
  bool disable = false;
  bool self_upgrade = false;
  bool enable_grpc = false;
  std::optional<std::string> datastore_path;  // unset acts as kDefaultDatastorePath
  std::optional<std::string> phonehome;
  Transition transition = Transition::kFirmware;

  bool operator==(const Management&) const = default;
};

enum class ScriptServicing { kCleanInstall, kNormalUpdate, kAbUpdate, kUpdateAndReboot, kAll };

struct Script {
  std::string name;
  std::vector<ScriptServicing> servicing_type;
  std::string interpreter = "/bin/sh";
  std::optional<std::string> content;
  std::optional<std::string> path;
  std::optional<std::string> log_file_path;
  std::map<std::string, std::string> environment_variables;
  uint32_t timeout_seconds = 600;

  bool operator==(const Script&) const = default;
};

struct Scripts {
  std::vector<Script> pre_servicing;
  std::vector<Script> post_provision;
  std::vector<Script> post_configure;

  bool operator==(const Scripts&) const = default;
};

enum class SshMode { kBlock, kKeyOnly, kDangerousAllowPassword };
enum class PasswordMode { kLocked, kDangerousPlainText, kDangerousHashed };

struct Password {
  PasswordMode mode = PasswordMode::kLocked;
  std::string value;  // empty when locked

  bool operator==(const Password&) const = default;
};

struct User {
  std::string name;
  Password password;
  std::vector<std::string> groups;
  std::vector<std::string> ssh_keys;
  SshMode ssh_mode = SshMode::kBlock;

  bool operator==(const User&) const = default;
};

struct Services {
  std::vector<std::string> enable;
  std::vector<std::string> disable;

  bool operator==(const Services&) const = default;
};

struct KernelCommandLine {
  std::vector<std::string> extra_command_line;  // one option each

  bool operator==(const KernelCommandLine&) const = default;
};

struct AdditionalFile {
  std::string destination;
  std::optional<std::string> content;
  std::optional<std::string> source;       // a file of the host that runs the agent
  std::optional<std::string> permissions;  // octal; unset: 0644, or those of the source

  bool operator==(const AdditionalFile&) const = default;
};

enum class SelinuxMode { kDisabled, kPermissive, kEnforcing };

struct Selinux {
  std::optional<SelinuxMode> mode;  // unset: as the image has it

  bool operator==(const Selinux&) const = default;
};

struct OsConfig {
  std::vector<User> users;
  std::optional<std::string> hostname;
  std::optional<std::string> timezone;  // a name below /usr/share/zoneinfo
  Services services;
  std::vector<std::string> modules;
  KernelCommandLine kernel_command_line;
  std::vector<AdditionalFile> additional_files;
  Selinux selinux;
  // What an A/B update carries over, besides what every host keeps.
  std::vector<std::string> preserve;

  bool operator==(const OsConfig&) const = default;
};

struct HostConfiguration {
  Management management;
  Storage storage;
  // Contents of a netplan "network:" mapping, kept as written.
  std::optional<YamlValue> network_provision;
  std::optional<YamlValue> network;
  Scripts scripts;
  OsConfig osconfig;

  bool operator==(const HostConfiguration&) const = default;
};

inline constexpr char kDefaultDatastorePath[] = "/var/lib/trident/datastore.sqlite";

// The datastore path that a configuration asks for on the runtime OS.
const std::string& DatastorePathOf(const HostConfiguration& configuration);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_HOST_CONFIGURATION_H_
