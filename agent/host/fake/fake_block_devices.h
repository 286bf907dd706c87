// Disks in memory, with faults on demand.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_BLOCK_DEVICES_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_BLOCK_DEVICES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/host/block_devices.h"

namespace trident {

// Thread safe. Sparse: a disk of any size costs what was written to it. Partitions are parts of
// their disk; /dev/disk/by-partuuid/ links come and go with the table.
//
// A file system in this world is a first line as made by FakeFilesystem(): that is what Probe
// recognises, so that an "image" in a test that begins with one is found after it was written.
class FakeBlockDevices : public BlockDevices {
 public:
  FakeBlockDevices();
  ~FakeBlockDevices() override;

  absl::StatusOr<ObservedDisk> Observe(const std::string& device) const override;
  absl::StatusOr<std::vector<ObservedArray>> Arrays() const override;
  absl::Status WriteTable(const std::string& device, const PartitionTable& table) override;
  absl::StatusOr<std::unique_ptr<BlockWriter>> OpenForWriting(const std::string& device) override;
  // The file is like a disk of this world: it can be probed and mounted by its path.
  absl::StatusOr<std::unique_ptr<BlockWriter>> CreateImageFile(const std::string& path,
                                                               uint64_t size) override;
  absl::StatusOr<std::unique_ptr<BlockReader>> OpenForReading(
      const std::string& device) const override;
  absl::StatusOr<Signature> Probe(const std::string& device) const override;
  absl::StatusOr<uint64_t> Size(const std::string& device) const override;
  // Does not wait: DEADLINE_EXCEEDED at once when it is not there.
  absl::Status WaitForPath(const std::string& path) const override;

  // Setting the stage. `path` is the kernel device: /dev/vda.
  void AddDisk(const std::string& path, uint64_t size, uint32_t sector_size = 512);
  void RemoveDisk(const std::string& path);
  // An array over devices that are there; it holds them, and is itself like a disk of this size.
  void AddArray(const std::string& path, const std::vector<std::string>& members, uint64_t size);
  void RemoveArray(const std::string& path);
  // A member leaves an array, or another device joins it.
  void DropMember(const std::string& path, const std::string& member);
  void JoinMember(const std::string& path, const std::string& member);
  // A disk that is hidden is not there, but has its contents when it is shown again. Nothing
  // happens when there is no such disk.
  void SetHidden(const std::string& path, bool hidden);
  void AddLink(const std::string& link, const std::string& device);
  // Puts a table on the disk and touches nothing else.
  void SetTable(const std::string& disk, const PartitionTable& table);
  void SetReadOnly(const std::string& disk, bool read_only);
  // Something begins or ends to use the device: "mounted at /home".
  void AddUser(const std::string& device, const std::string& user);
  void RemoveUser(const std::string& device, const std::string& user);
  // Writes the first line of a file system, whatever uses the device.
  void SetSignature(const std::string& device, const Signature& signature);
  void SetData(const std::string& device, uint64_t offset, std::string_view data);

  // Looking at it.
  std::string Data(const std::string& device, uint64_t offset, uint64_t size) const;
  // The kernel device that a path means; the path itself when nothing is known of it.
  std::string Resolve(const std::string& path) const;
  // What keeps the device from being opened exclusively, as messages name it.
  std::vector<std::string> UsersOf(const std::string& device) const;
  // Bytes that BlockWriters wrote to the device, and how often they flushed it.
  uint64_t BytesWritten(const std::string& device) const;
  int Flushes(const std::string& device) const;
  int tables_written() const;

  // Faults; they stay until ClearFaults. A write or read that touches the byte at `offset` fails.
  void FailWriteAt(const std::string& device, uint64_t offset, absl::Status status);
  void FailReadAt(const std::string& device, uint64_t offset, absl::Status status);
  void FailFlush(const std::string& device, absl::Status status);
  void FailWriteTable(absl::Status status);
  // Whatever is written to this byte arrives with all bits turned round.
  void CorruptAt(const std::string& device, uint64_t offset);
  void ClearFaults();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

// The first line of a file system as FakeBlockDevices::Probe knows it, with its newline.
std::string FakeFilesystem(const Signature& signature);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_BLOCK_DEVICES_H_
