// A file that plays a block device, with faults.
#ifndef TRIDENT_TESTS_AGENT_IMAGING_FILE_BLOCK_DEVICE_H_
#define TRIDENT_TESTS_AGENT_IMAGING_FILE_BLOCK_DEVICE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "agent/host/block_devices.h"

namespace trident::test {

class FileBlockDevice : public BlockWriter, public BlockReader {
 public:
  // Makes the file, `size` bytes of 0xEE.
  FileBlockDevice(std::string path, uint64_t size);
  ~FileBlockDevice() override;
  FileBlockDevice(const FileBlockDevice&) = delete;
  FileBlockDevice& operator=(const FileBlockDevice&) = delete;

  uint64_t size() const override { return size_; }
  absl::Status WriteAt(uint64_t offset, std::span<const uint8_t> data) override;
  absl::Status Flush() override;
  absl::Status ReadAt(uint64_t offset, std::span<uint8_t> data) override;

  // The first `bytes` of what is on it.
  std::string Content(uint64_t bytes) const;

  // Faults: a write that touches this byte fails; Flush fails; reads fail from this byte on.
  std::optional<uint64_t> fail_write_at;
  bool fail_flush = false;
  std::optional<uint64_t> fail_read_at;
  // Called at the beginning of every write, in the thread that writes.
  std::function<void(uint64_t offset)> on_write;

  // What happened.
  int writes = 0;
  int flushes = 0;
  bool misaligned = false;  // a write did not begin at a multiple of 1 MiB
  bool wrote_after_flush = false;

 private:
  int descriptor_;
  uint64_t size_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_FILE_BLOCK_DEVICE_H_
