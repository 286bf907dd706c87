// Disks, partition tables and what is on them.
#ifndef TRIDENT_AGENT_HOST_BLOCK_DEVICES_H_
#define TRIDENT_AGENT_HOST_BLOCK_DEVICES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/command_runner.h"

namespace trident {

// One entry of a GPT table. Sizes in bytes; GUIDs as lower-case text.
struct TablePartition {
  std::string uuid;  // PARTUUID
  std::string type_guid;
  std::string name;  // PARTLABEL
  uint64_t start = 0;
  uint64_t size = 0;
  uint32_t number = 0;          // 1-based place in the table
  std::string attributes = {};  // as libfdisk writes them: "RequiredPartition GUID:63"
  // Of a table to write: it is there already and its contents stay. Whose name this is, is the
  // caller's business; empty: a new partition.
  std::string kept_as = {};

  bool operator==(const TablePartition&) const = default;
};

struct PartitionTable {
  std::string disk_uuid;
  std::vector<TablePartition> partitions;

  bool operator==(const PartitionTable&) const = default;
};

// Signature that libblkid found at the beginning of a device. Empty strings: nothing found.
struct Signature {
  std::string type;  // ext4, vfat, swap, linux_raid_member, crypto_LUKS, ...
  std::string uuid;
  std::string label;

  bool operator==(const Signature&) const = default;
};

struct ObservedPartition {
  TablePartition entry;
  std::string path;  // kernel device, /dev/vda2
  Signature signature;
  // What holds the partition or something stacked on it: "mounted at /home", "swap",
  // "held by dm-0". Empty: nobody.
  std::vector<std::string> users;
};

struct ObservedDisk {
  std::string path;  // kernel device, /dev/vda
  uint64_t size = 0;
  uint32_t sector_size = 512;
  bool read_only = false;
  // No value: no GPT table that can be read.
  std::optional<PartitionTable> table;
  std::vector<ObservedPartition> partitions;
  // What is known of a disk without GPT: a file system, another kind of table ("dos"), or why it
  // cannot be told. Empty: nothing is on it, as far as can be seen.
  std::string other_contents;
  // As for a partition, of the disk itself (mounted whole, a member of an array).
  std::vector<std::string> users;
};

struct ArrayMember {
  std::string path;  // kernel device, /dev/vda3
  std::string disk;  // kernel device of the disk that it is on

  bool operator==(const ArrayMember&) const = default;
};

// A software RAID array that the kernel knows, running or not.
struct ObservedArray {
  std::string path;  // kernel device, /dev/md127
  std::vector<ArrayMember> members;
  // As for a partition.
  std::vector<std::string> users;
};

// How `users` name a device that is stacked on another one, by its kernel device: "held by md127".
// What uses it in its turn follows after a comma.
inline std::string HeldBy(const std::string& kernel_path) {
  return "held by " + kernel_path.substr(kernel_path.rfind('/') + 1);
}

// Somewhere to write an image: a partition or, in tests, a file.
class BlockWriter {
 public:
  virtual ~BlockWriter() = default;

  virtual uint64_t size() const = 0;  // bytes
  // Writes all of `data` at `offset`. Beyond the end: OUT_OF_RANGE, nothing written.
  virtual absl::Status WriteAt(uint64_t offset, std::span<const uint8_t> data) = 0;
  // Everything written is on stable storage when this returns OK (fsync; write-back errors that
  // happened before are reported).
  virtual absl::Status Flush() = 0;
};

class BlockReader {
 public:
  virtual ~BlockReader() = default;

  virtual uint64_t size() const = 0;
  // Reads exactly data.size() bytes from the medium, not from the page cache.
  virtual absl::Status ReadAt(uint64_t offset, std::span<uint8_t> data) = 0;
};

class BlockDevices {
 public:
  virtual ~BlockDevices() = default;

  // What is there now. `device` may be a link. NOT_FOUND: no such device; INVALID_ARGUMENT: not a
  // whole block device.
  virtual absl::StatusOr<ObservedDisk> Observe(const std::string& device) const = 0;

  // All arrays, in the order of their names.
  virtual absl::StatusOr<std::vector<ObservedArray>> Arrays() const = 0;

  // Replaces the whole table, GPT with protective MBR, wipes old signatures from partitions that
  // are not kept, tells the kernel and waits until /dev/disk/by-partuuid/<uuid> of every partition
  // is there. Refused (FAILED_PRECONDITION) while anything on the disk is used. Writing the same
  // table again is harmless, but wipes again.
  virtual absl::Status WriteTable(const std::string& device, const PartitionTable& table) = 0;

  // Opens for writing, exclusively. FAILED_PRECONDITION when the device is mounted, swapped on or
  // held by anything: the door refuses, whatever was planned. INVALID_ARGUMENT: no block device.
  virtual absl::StatusOr<std::unique_ptr<BlockWriter>> OpenForWriting(
      const std::string& device) = 0;
  virtual absl::StatusOr<std::unique_ptr<BlockReader>> OpenForReading(
      const std::string& device) const = 0;

  // A file of `size` bytes that holds nothing yet, to write an image into that is looked at and not
  // kept. Sparse: what is not written takes no room. Replaces a file that is there.
  virtual absl::StatusOr<std::unique_ptr<BlockWriter>> CreateImageFile(const std::string& path,
                                                                       uint64_t size) = 0;

  // libblkid, low-level probing. OK and empty when there is nothing known.
  virtual absl::StatusOr<Signature> Probe(const std::string& device) const = 0;

  // Size of a device in bytes.
  virtual absl::StatusOr<uint64_t> Size(const std::string& device) const = 0;

  // Waits until udev has handled its queue and `path` is there; DEADLINE_EXCEEDED after 30 s.
  virtual absl::Status WaitForPath(const std::string& path) const = 0;
};

// `commands` (for udevadm) is used as long as the result lives.
std::unique_ptr<BlockDevices> MakeLinuxBlockDevices(CommandRunner& commands);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_BLOCK_DEVICES_H_
