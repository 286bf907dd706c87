#include "tests/agent/imaging/file_block_device.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/base/error.h"

namespace trident::test {

FileBlockDevice::FileBlockDevice(std::string path, uint64_t size)
    : descriptor_(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)), size_(size) {
  REQUIRE(descriptor_ >= 0);
  const std::string old(size, '\xEE');
  REQUIRE(pwrite(descriptor_, old.data(), old.size(), 0) == static_cast<ssize_t>(size));
}

FileBlockDevice::~FileBlockDevice() { close(descriptor_); }

absl::Status FileBlockDevice::WriteAt(uint64_t offset, std::span<const uint8_t> data) {
  if (on_write) on_write(offset);
  ++writes;
  if (flushes > 0) wrote_after_flush = true;
  if (offset % (1 << 20) != 0) misaligned = true;
  if (offset + data.size() > size_) {
    return MakeError(absl::StatusCode::kOutOfRange, "storage", "beyond-end",
                     "a write goes beyond the end of the device");
  }
  if (fail_write_at && offset <= *fail_write_at && *fail_write_at < offset + data.size()) {
    return MakeError(absl::StatusCode::kDataLoss, "storage", "write",
                     "writing: Input/output error");
  }
  const ssize_t written = pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset));
  if (written == static_cast<ssize_t>(data.size())) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInternal, "internal", "test", "the test file is too short");
}

absl::Status FileBlockDevice::Flush() {
  ++flushes;
  if (fail_flush) {
    return MakeError(absl::StatusCode::kDataLoss, "storage", "flush",
                     "flushing: Input/output error");
  }
  return absl::OkStatus();
}

absl::Status FileBlockDevice::ReadAt(uint64_t offset, std::span<uint8_t> data) {
  if (fail_read_at && offset + data.size() > *fail_read_at) {
    return MakeError(absl::StatusCode::kDataLoss, "storage", "read", "reading: Input/output error");
  }
  if (pread(descriptor_, data.data(), data.size(), static_cast<off_t>(offset)) ==
      static_cast<ssize_t>(data.size())) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInternal, "internal", "test", "the test file is too short");
}

std::string FileBlockDevice::Content(uint64_t bytes) const {
  std::string content(bytes, '\0');
  REQUIRE(pread(descriptor_, content.data(), content.size(), 0) == static_cast<ssize_t>(bytes));
  return content;
}

}  // namespace trident::test
