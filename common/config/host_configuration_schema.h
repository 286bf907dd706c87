// The declarations of the Host Configuration: keys, formats and meaning of every field. Reader,
// writer, JSON Schema and docs/host-configuration.md follow from them. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_HOST_CONFIGURATION_SCHEMA_H_
#define TRIDENT_COMMON_CONFIG_HOST_CONFIGURATION_SCHEMA_H_

#include "common/config/enum_names.h"
#include "common/config/field.h"
#include "common/config/host_configuration.h"
#include "common/config/value_codecs.h"

namespace trident {

template <>
struct Schema<Partition> {
  static constexpr char kName[] = "Partition";
  static constexpr char kDoc[] = "A partition of a disk. Partitions are made in the listed order.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required(
        {"id", "Id of the partition, also its label on disk; at most 36 characters.", Format::kId},
        &Partition::id);
    v.Required({"type", "What the partition is for: its type in the partition table."},
               &Partition::type);
    v.Required({"size",
                "`grow` for all the room that is left (once per disk), or a whole number of bytes "
                "with an optional unit `K`, `M`, `G` or `T` (powers of 1024)."},
               &Partition::size);
  }
};

template <>
struct Schema<AdoptedPartition> {
  static constexpr char kName[] = "AdoptedPartition";
  static constexpr char kDoc[] =
      "A partition that is on the disk already and whose contents are kept. All criteria that are "
      "given must match. The keys may also be written in snake_case.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id of the partition.", Format::kId}, &AdoptedPartition::id);
    v.Optional({"size", "Size to expand it to. It is never shrunk."}, &AdoptedPartition::size);
    v.Optional({"uuid", "UUID of the partition: the best criterion.", Format::kUuid},
               &AdoptedPartition::uuid);
    v.Optional({"name", "Label of the partition in the table.", Format::kLine},
               &AdoptedPartition::name);
    v.Optional({"position", "Place in the table, counted from 0."}, &AdoptedPartition::position);
    v.Optional({"nextOfType", "The first partition of this type that nothing else matched.",
                Format::kText, "next_of_type"},
               &AdoptedPartition::next_of_type);
    v.Optional({"continueIfNoMatch", "Go on when no partition matches, instead of failing.",
                Format::kText, "continue_if_no_match"},
               &AdoptedPartition::continue_if_no_match);
  }
};

template <>
struct Schema<Disk> {
  static constexpr char kName[] = "Disk";
  static constexpr char kDoc[] =
      "A disk. A clean install makes its partition table anew: everything on it is lost, except "
      "for adopted partitions.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id of the disk.", Format::kId}, &Disk::id);
    v.Required({"device",
                "The disk's device. A link that stays the same is advised, below "
                "`/dev/disk/by-path` or `/dev/disk/by-id`.",
                Format::kAbsolutePath},
               &Disk::device);
    v.Required({"partitionTableType", "Kind of partition table."}, &Disk::partition_table_type);
    v.Required({"partitions", "The partitions to make; may be empty."}, &Disk::partitions);
    v.Optional({"adoptedPartitions", "Partitions to keep."}, &Disk::adopted_partitions);
  }
};

template <>
struct Schema<EncryptedVolume> {
  static constexpr char kName[] = "EncryptedVolume";
  static constexpr char kDoc[] = "A partition or array that is encrypted with LUKS2.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id of the opened volume.", Format::kId}, &EncryptedVolume::id);
    v.Required(
        {"deviceName", "Name of the opened volume below `/dev/mapper`.", Format::kDeviceName},
        &EncryptedVolume::device_name);
    v.Required({"targetId",
                "Id of the partition or array to encrypt; not of type `esp`, `root`, `root-verity` "
                "or `usr-verity`, and used for nothing else.",
                Format::kId},
               &EncryptedVolume::target_id);
  }
};

template <>
struct Schema<EncryptionSettings> {
  static constexpr char kName[] = "Encryption";
  static constexpr char kDoc[] =
      "Volumes to encrypt, and what opens them: the recovery key, the TPM of the machine, or both. "
      "A volume that only holds swap needs neither: it gets a fresh key at every boot, and what "
      "was swapped out is lost with the old one.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"recoveryKeyUrl",
                "File with the recovery key, on the host that runs the clean install. Its whole "
                "contents are the key, a final line break too: leave that out where somebody may "
                "have to type the key. It must be a regular file of 1 byte "
                "to 8 MiB that belongs to root and that nobody else may read or write. The key "
                "opens the volumes when the TPM does not, and is asked for at the boot then.",
                Format::kFileUrl},
               &EncryptionSettings::recovery_key_url);
    v.Optional({"tpm2",
                "Whether the TPM 2.0 of the machine opens the volumes at the boot, without "
                "questions. `required`: a clean install without a TPM is refused. `preferred`: the "
                "TPM is used when there is one; without `recoveryKeyUrl` nothing else could open "
                "the volumes, so that it is required. `never`: only the recovery key, which must "
                "be given, opens the volumes."},
               &EncryptionSettings::tpm2);
    v.Optional({"pcrs",
                "Platform configuration registers, 0 to 23, that the TPM compares: it opens the "
                "volumes as long as they are what they were at the clean install. Without it: 7, "
                "the state of Secure Boot. An empty list: whatever was booted. Not together with "
                "`tpm2: never`."},
               &EncryptionSettings::pcrs);
    v.Required({"volumes", "The volumes, at least one."}, &EncryptionSettings::volumes);
  }
};

template <>
struct Schema<SoftwareRaidArray> {
  static constexpr char kName[] = "SoftwareRaidArray";
  static constexpr char kDoc[] = "An array of partitions, made with mdadm.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id of the array.", Format::kId}, &SoftwareRaidArray::id);
    v.Required({"name", "Name of the array; its device is `/dev/md/<name>`.", Format::kDeviceName},
               &SoftwareRaidArray::name);
    v.Required({"level", "RAID level."}, &SoftwareRaidArray::level);
    v.Required({"devices",
                "Ids of the member partitions, all of one fixed size. At least two for `raid0`, "
                "`raid1` and `raid10`, three for `raid5`, four for `raid6`.",
                Format::kId},
               &SoftwareRaidArray::devices);
    v.Required({"metadataVersion", "Version of mdadm's metadata, such as `1.0`.",
                Format::kMetadataVersion},
               &SoftwareRaidArray::metadata_version);
  }
};

template <>
struct Schema<Raid> {
  static constexpr char kName[] = "Raid";
  static constexpr char kDoc[] = "Arrays of partitions.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"software", "Software RAID arrays."}, &Raid::software);
  }
};

template <>
struct Schema<MountPoint> {
  static constexpr char kName[] = "MountPoint";
  static constexpr char kDoc[] =
      "Where a filesystem is mounted. A filesystem without an image is made by the clean install.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"path", "Absolute path; `none` for swap.", Format::kLine}, &MountPoint::path);
    v.Required({"filesystem", "`ext4`, `xfs`, `vfat`, `swap`, ...", Format::kFilesystem},
               &MountPoint::filesystem);
    v.Required({"options", "Mount options, written to `/etc/fstab` as they are; may be empty.",
                Format::kLine},
               &MountPoint::options);
    v.Required(
        {"targetId", "Id of a partition, array, encrypted volume, volume pair or verity device.",
         Format::kId},
        &MountPoint::target_id);
  }
};

template <>
struct Schema<VolumePair> {
  static constexpr char kName[] = "VolumePair";
  static constexpr char kDoc[] =
      "Two volumes for one role, of the same size and type: the running system uses one, an "
      "update writes the other.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id of the pair.", Format::kId}, &VolumePair::id);
    v.Required(
        {"volumeAId", "Id of volume A: a partition, array or encrypted volume.", Format::kId},
        &VolumePair::volume_a_id);
    v.Required({"volumeBId", "Id of volume B.", Format::kId}, &VolumePair::volume_b_id);
  }
};

template <>
struct Schema<AbUpdate> {
  static constexpr char kName[] = "AbUpdate";
  static constexpr char kDoc[] = "What is there twice, so that it can be updated while it is used.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"volumePairs", "The pairs. All of them switch together."}, &AbUpdate::volume_pairs);
    v.Optional({"engine",
                "Who writes the images of pairs of partitions: the agent itself (`native`), or "
                "`systemd-sysupdate`, as far as it can; partitions are then labelled as that "
                "program does it, with the image's file name."},
               &AbUpdate::engine);
  }
};

template <>
struct Schema<Image> {
  static constexpr char kName[] = "Image";
  static constexpr char kDoc[] = "What is written to a volume.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"url",
                "Where to fetch the image: a file of this host, a web server, or a layer in an OCI "
                "registry, `oci://registry[:port]/repository` with `:tag` or `@sha256:digest` and "
                "`#title` behind it. See [image-sources.md](image-sources.md).",
                Format::kImageUrl},
               &Image::url);
    v.Required(
        {"sha256",
         "SHA-256 of the file as it is fetched (compressed); `manifest` to compare with what "
         "the file `SHA256SUMS` in the same folder says (not for `oci`); `ignored` to take "
         "whatever comes. The digest of a layer in a registry is compared in any case."},
        &Image::sha256);
    v.Required({"format", "How the image is compressed."}, &Image::format);
    v.Required({"targetId", "Id of a partition, encrypted volume or volume pair.", Format::kId},
               &Image::target_id);
    v.Optional({"verityRootHash",
                "Root hash of the image's contents, 64 hex digits, as `veritysetup format` prints "
                "it. Given with the image of a verity device's data, and only there.",
                Format::kLine},
               &Image::verity_root_hash);
  }
};

template <>
struct Schema<VerityDevice> {
  static constexpr char kName[] = "VerityDevice";
  static constexpr char kDoc[] =
      "A read-only device, protected by dm-verity: every block of the data is compared with a tree "
      "of hashes when it is read. An image is needed for the data and for the tree of hashes. See "
      "[storage.md](storage.md).";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"id", "Id of the verity device; a mount point refers to it.", Format::kId},
               &VerityDevice::id);
    v.Required({"name",
                "Name of the device below `/dev/mapper`: `root` when it is mounted at `/`, `usr` "
                "when it is mounted at `/usr`.",
                Format::kDeviceName},
               &VerityDevice::name);
    v.Required({"dataDeviceId",
                "Id of the partition, array or volume pair that holds the file system; of type "
                "`root`, `usr` or `linux-generic`.",
                Format::kId},
               &VerityDevice::data_device_id);
    v.Required({"hashDeviceId",
                "Id of the partition, array or volume pair that holds the tree of hashes, a pair "
                "when the data is one; of type `root-verity` for `root`, `usr-verity` for `usr`, "
                "`linux-generic` for `linux-generic`.",
                Format::kId},
               &VerityDevice::hash_device_id);
    v.Optional({"corruptionOption",
                "What happens when a block does not match its hash. `panic`: the kernel stops, and "
                "the host falls back to its other volume. `restart`: the machine restarts. "
                "`io-error`: reading fails. `ignore`: it is only logged."},
               &VerityDevice::corruption_option);
  }
};

template <>
struct Schema<Overlay> {
  static constexpr char kName[] = "Overlay";
  static constexpr char kDoc[] =
      "A folder that can be written although the file system below it cannot, or shall not: what "
      "is changed is kept elsewhere. Volumes A and B have changes of their own, and an update "
      "begins with none: what must outlive updates belongs on a mount point.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"path", "The folder, such as `/etc` or `/var`.", Format::kAbsolutePath},
               &Overlay::path);
    v.Optional({"targetId",
                "Id of the partition, array or encrypted volume that keeps the changes, in its "
                "folder `trident-overlays`. It is mounted, with ext4 or xfs, and part of no volume "
                "pair. Only with `persistent: true`.",
                Format::kId},
               &Overlay::target_id);
    v.Optional({"persistent",
                "`true`: the changes last until the next update. `false`: they are in memory and "
                "gone after a reboot."},
               &Overlay::persistent);
  }
};

template <>
struct Schema<Storage> {
  static constexpr char kName[] = "Storage";
  static constexpr char kDoc[] =
      "Disks and what is on them. Disks, partitions, arrays, encrypted volumes, volume pairs and "
      "verity devices have ids, which must all differ: `targetId` and the like refer to them.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"disks", "The disks to partition."}, &Storage::disks);
    v.Optional({"encryption", "Volumes to encrypt."}, &Storage::encryption);
    v.Optional({"raid", "RAID arrays to make."}, &Storage::raid);
    v.Optional({"mountPoints", "What is mounted where. With disks there must be one at `/`."},
               &Storage::mount_points);
    v.Optional({"abUpdate", "The volume pairs."}, &Storage::ab_update);
    v.Optional({"images", "What to write to the volumes."}, &Storage::images);
    v.Optional({"verity", "Read-only devices whose contents are checked whenever they are read."},
               &Storage::verity);
    v.Optional({"overlays", "Folders whose changes are kept elsewhere."}, &Storage::overlays);
  }
};

template <>
struct Schema<Management> {
  static constexpr char kName[] = "Management";
  static constexpr char kDoc[] = "The agent on the installed system.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"disable",
                "Do not set the agent up on the installed system; the other fields are ignored."},
               &Management::disable);
    v.Optional({"selfUpgrade",
                "Copy the running agent over the one in the new system: an aid to development."},
               &Management::self_upgrade);
    v.Optional({"enableGrpc",
                "Give the agent of the installed system a `grpc` section, so that it serves the "
                "API."},
               &Management::enable_grpc);
    v.Optional({"datastorePath",
                "The agent's database, a file ending in `.sqlite` below a mount point that is no "
                "volume pair; it can be changed later. Without it: "
                "`/var/lib/trident/datastore.sqlite`.",
                Format::kAbsolutePath},
               &Management::datastore_path);
    v.Optional({"phonehome",
                "URL that the agent reports to. Without it: that of the agent's own configuration.",
                Format::kHttpUrl},
               &Management::phonehome);
    v.Optional({"transition",
                "How the host gets into the new system: by a restart through the `firmware`, or "
                "faster with `kexec`, which starts its kernel without the firmware."},
               &Management::transition);
  }
};

template <>
struct Schema<Script> {
  static constexpr char kName[] = "Script";
  static constexpr char kDoc[] =
      "A script. Exactly one of `content` and `path` is given. A script that fails, fails the job. "
      "It may run again when the agent or the host was stopped meanwhile, so that running it twice "
      "must do no harm.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"name", "Name of the script, for messages.", Format::kLine}, &Script::name);
    v.Required({"servicingType",
                "In which servicing to run it. An empty list: never. Only `all` matches a "
                "hot patch."},
               &Script::servicing_type);
    v.Optional({"interpreter", "Program that runs it; looked up in `PATH` when not absolute.",
                Format::kLine},
               &Script::interpreter);
    v.Optional({"content", "The text of the script."}, &Script::content);
    v.Optional(
        {"path", "The script as a file on the host that runs the agent.", Format::kAbsolutePath},
        &Script::path);
    v.Optional({"logFilePath", "File for its output; its folders are made, it is overwritten.",
                Format::kAbsolutePath},
               &Script::log_file_path);
    v.Optional({"environmentVariables",
                "Variables by name. `UPDATE_KIND`, `SERVICING_TYPE`, `TARGET_ROOT` and "
                "`HOST_ROOT_DEVICE` are set by the agent."},
               &Script::environment_variables);
    v.Optional({"timeoutSeconds",
                "How long it may run, 1 to 86400. At the limit the script and all processes of "
                "its group are killed, and the job fails."},
               &Script::timeout_seconds);
  }
};

template <>
struct Schema<Scripts> {
  static constexpr char kName[] = "Scripts";
  static constexpr char kDoc[] = "Scripts that run during a servicing.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"preServicing",
                "Run first, on the host that runs the agent, before anything is "
                "changed."},
               &Scripts::pre_servicing);
    v.Optional({"postProvision",
                "Run when the new root is written and mounted, outside of it; `TARGET_ROOT` is "
                "where it is mounted. Not run by changes of the running system."},
               &Scripts::post_provision);
    v.Optional({"postConfigure",
                "Run last, inside the new root, or in the running system when that is what is "
                "changed; `TARGET_ROOT` is `/`."},
               &Scripts::post_configure);
  }
};

template <>
struct Schema<Password> {
  static constexpr char kName[] = "Password";
  static constexpr char kDoc[] = "How a user may log in with a password.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"mode",
                "`locked`: no password is accepted. The others need `value`, are for test "
                "machines, and are refused unless the agent's own configuration has "
                "`dangerousOptions: true`."},
               &Password::mode);
    v.Optional({"value", "The password, or its hash as crypt(3) writes it.", Format::kSecretLine},
               &Password::value);
  }
};

template <>
struct Schema<User> {
  static constexpr char kName[] = "User";
  static constexpr char kDoc[] = "A user of the installed system. `root` is there already.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"name", "Login name.", Format::kUserName}, &User::name);
    v.Optional({"password", "Password. Without it: locked."}, &User::password);
    v.Optional({"groups",
                "Further groups. A group that the system does not have is made; one that the "
                "document no longer gives is left.",
                Format::kUserName},
               &User::groups);
    v.Optional({"sshKeys",
                "Public keys, as lines of `authorized_keys`. They replace those that the user has; "
                "without any, those that an earlier document gave are taken away.",
                Format::kSshKey},
               &User::ssh_keys);
    v.Optional({"sshMode",
                "How the user may log in over SSH. `dangerous-allow-password` is refused unless "
                "the agent's own configuration has `dangerousOptions: true`."},
               &User::ssh_mode);
  }
};

template <>
struct Schema<Services> {
  static constexpr char kName[] = "Services";
  static constexpr char kDoc[] = "Units of systemd. `.service` may be left out.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"enable", "To start at every boot.", Format::kUnitName}, &Services::enable);
    v.Optional({"disable", "Not to start at boots.", Format::kUnitName}, &Services::disable);
  }
};

template <>
struct Schema<KernelCommandLine> {
  static constexpr char kName[] = "KernelCommandLine";
  static constexpr char kDoc[] = "Options of the kernel.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"extraCommandLine",
                "Options to add to those of the image, one in each item, without quotes and "
                "blanks. Not `root=` and `initrd=`: the agent sets what the host boots from.",
                Format::kKernelOption},
               &KernelCommandLine::extra_command_line);
  }
};

template <>
struct Schema<AdditionalFile> {
  static constexpr char kName[] = "AdditionalFile";
  static constexpr char kDoc[] =
      "A file to write, owned by root. Exactly one of `content` and `source` is given.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Required({"destination",
                "Where to write it; its folders are made. Not below `/dev`, `/proc`, `/run`, "
                "`/sys` and `/tmp`, and none of the files that the agent writes itself.",
                Format::kAbsolutePath},
               &AdditionalFile::destination);
    v.Optional({"content", "The text of the file."}, &AdditionalFile::content);
    v.Optional({"source", "A file of the host that runs the agent, at most 16 MiB.",
                Format::kAbsolutePath},
               &AdditionalFile::source);
    v.Optional(
        {"permissions", "Octal, `0` to `0777`. Without it: `0644`, or the permissions of `source`.",
         Format::kPermissions},
        &AdditionalFile::permissions);
  }
};

template <>
struct Schema<Selinux> {
  static constexpr char kName[] = "Selinux";
  static constexpr char kDoc[] = "SELinux.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"mode",
                "What `/etc/selinux/config` says; it counts from the next boot on. Refused when "
                "the image has no SELinux. Without it: as the image has it."},
               &Selinux::mode);
  }
};

template <>
struct Schema<OsConfig> {
  static constexpr char kName[] = "OsConfig";
  static constexpr char kDoc[] =
      "The operating system. What is left out is left as the image has it.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"users",
                "Users to set up. A user that is no longer listed stays, and the Host Status says "
                "so. With at least one user only listed ones may log in over SSH, also root."},
               &OsConfig::users);
    v.Optional(
        {"hostname", "Name of the host (RFC 1123), at most 64 characters.", Format::kHostname},
        &OsConfig::hostname);
    v.Optional({"timezone", "Time zone, a file below `/usr/share/zoneinfo`, such as `Europe/Oslo`.",
                Format::kTimezone},
               &OsConfig::timezone);
    v.Optional({"services", "Units to enable and to disable."}, &OsConfig::services);
    v.Optional({"modules", "Kernel modules to load at every boot.", Format::kModuleName},
               &OsConfig::modules);
    v.Optional({"kernelCommandLine", "Options of the kernel."}, &OsConfig::kernel_command_line);
    v.Optional({"additionalFiles", "Files to write."}, &OsConfig::additional_files);
    v.Optional({"selinux", "SELinux."}, &OsConfig::selinux);
    v.Optional({"preserve",
                "Files and folders that an A/B update carries over into the new system, besides "
                "the machine id, the keys of the SSH server and the random seed. The last part of "
                "a path may have `*` in it.",
                Format::kAbsolutePath},
               &OsConfig::preserve);
  }
};

template <>
struct Schema<HostConfiguration> {
  static constexpr char kName[] = "HostConfiguration";
  static constexpr char kDoc[] = "The state that a host should be in.";
  template <class Visitor>
  static void Visit(Visitor& v) {
    v.Optional({"management", "The agent on the installed system."},
               &HostConfiguration::management);
    v.Optional({"storage", "Disks and what is on them."}, &HostConfiguration::storage);
    v.Optional({"networkProvision",
                "Network while installing: the contents of a netplan `network:` mapping with "
                "`version: 2`. Without it: `network`."},
               &HostConfiguration::network_provision);
    v.Optional({"network",
                "Network of the installed system: the contents of a netplan `network:` mapping "
                "with `version: 2`."},
               &HostConfiguration::network);
    v.Optional({"scripts", "Scripts that run during a servicing."}, &HostConfiguration::scripts);
    v.Optional({"osconfig", "The operating system."}, &HostConfiguration::osconfig);
  }
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_HOST_CONFIGURATION_SCHEMA_H_
