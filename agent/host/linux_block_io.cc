#include "agent/host/linux_block_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

// Dirty pages that may be on their way to the device before a write waits for the oldest.
constexpr uint64_t kMostInFlight = 32 << 20;
constexpr uint64_t kBounceSize = 1 << 20;
constexpr uint64_t kPageSize = 4096;

absl::Status IoError(int error_number, const char* verb, uint64_t size, uint64_t offset,
                     const std::string& path) {
  return ErrnoError(error_number, "storage", "device-io",
                    absl::StrCat("cannot ", verb, " ", size, " bytes at ", offset, " of ", path));
}

absl::Status CheckRange(const char* verb, uint64_t offset, uint64_t count, uint64_t size,
                        const std::string& path) {
  if (offset <= size && count <= size - offset) return absl::OkStatus();
  return MakeError(absl::StatusCode::kOutOfRange, "storage", "beyond-the-end",
                   absl::StrCat("cannot ", verb, " ", count, " bytes at ", offset, " of ", path,
                                ": it has ", size, " bytes"));
}

// Write-back of every chunk starts at once, so that the device works while the next one is being
// made, and what is dirty stays bounded: the final fsync has little left to do.
class LinuxBlockWriter : public BlockWriter {
 public:
  LinuxBlockWriter(FileDescriptor fd, std::string path, uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  uint64_t size() const override { return size_; }

  absl::Status WriteAt(uint64_t offset, std::span<const uint8_t> data) override {
    TRIDENT_RETURN_IF_ERROR(CheckRange("write", offset, data.size(), size_, path_));
    TRIDENT_RETURN_IF_ERROR(failure_);
    for (size_t done = 0; done < data.size();) {
      const ssize_t count = pwrite(fd_.get(), data.data() + done, data.size() - done,
                                   static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return Fail(IoError(errno, "write", data.size(), offset, path_));
      done += static_cast<size_t>(count);
    }
    if (data.empty()) return absl::OkStatus();
    if (Sync(offset, data.size(), SYNC_FILE_RANGE_WRITE) != 0) {
      return Fail(IoError(errno, "write", data.size(), offset, path_));
    }
    in_flight_.emplace_back(offset, data.size());
    in_flight_bytes_ += data.size();
    while (in_flight_bytes_ > kMostInFlight && in_flight_.size() > 1) {
      TRIDENT_RETURN_IF_ERROR(WaitForOldest());
    }
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    // An error that sync_file_range saw is not told again by fsync.
    TRIDENT_RETURN_IF_ERROR(failure_);
    if (fsync(fd_.get()) != 0) {
      return Fail(ErrnoError(errno, "storage", "device-io", "cannot flush " + path_));
    }
    in_flight_.clear();
    in_flight_bytes_ = 0;
    return absl::OkStatus();
  }

 private:
  int Sync(uint64_t offset, uint64_t size, unsigned flags) {
    return sync_file_range(fd_.get(), static_cast<off64_t>(offset), static_cast<off64_t>(size),
                           flags);
  }

  absl::Status WaitForOldest() {
    const auto [offset, size] = in_flight_.front();
    in_flight_.pop_front();
    in_flight_bytes_ -= size;
    if (Sync(offset, size,
             SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) !=
        0) {
      return Fail(IoError(errno, "write", size, offset, path_));
    }
    // Nobody reads it again from the cache. Failing to drop it costs only memory.
    posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size),
                  POSIX_FADV_DONTNEED);
    return absl::OkStatus();
  }

  absl::Status Fail(absl::Status status) {
    failure_ = status;
    return status;
  }

  const FileDescriptor fd_;
  const std::string path_;
  const uint64_t size_;
  std::deque<std::pair<uint64_t, uint64_t>> in_flight_;  // offset, size
  uint64_t in_flight_bytes_ = 0;
  absl::Status failure_;  // the first; what was written since is worth nothing
};

class LinuxBlockReader : public BlockReader {
 public:
  LinuxBlockReader(FileDescriptor fd, std::string path, uint64_t size, uint64_t alignment,
                   bool direct)
      : fd_(std::move(fd)),
        path_(std::move(path)),
        size_(size),
        alignment_(alignment),
        direct_(direct),
        bounce_(static_cast<uint8_t*>(std::aligned_alloc(kPageSize, kBounceSize)), std::free) {}

  uint64_t size() const override { return size_; }

  absl::Status ReadAt(uint64_t offset, std::span<uint8_t> data) override {
    TRIDENT_RETURN_IF_ERROR(CheckRange("read", offset, data.size(), size_, path_));
    if (!bounce_) return IoError(ENOMEM, "read", data.size(), offset, path_);
    for (uint64_t done = 0; done < data.size();) {
      const uint64_t at = offset + done;
      const uint64_t begin = at - at % alignment_;
      const uint64_t wanted = at - begin + (data.size() - done);
      const uint64_t rounded = (wanted + alignment_ - 1) / alignment_ * alignment_;
      const uint64_t length = std::min({rounded, kBounceSize, size_ - begin});
      TRIDENT_RETURN_IF_ERROR(Fill(begin, length));
      const uint64_t useful = std::min<uint64_t>(length - (at - begin), data.size() - done);
      std::memcpy(data.data() + done, bounce_.get() + (at - begin), useful);
      done += useful;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Fill(uint64_t begin, uint64_t length) {
    if (!direct_) {
      // Clean pages are dropped, so that the read goes to the medium.
      posix_fadvise(fd_.get(), static_cast<off_t>(begin), static_cast<off_t>(length),
                    POSIX_FADV_DONTNEED);
    }
    for (uint64_t done = 0; done < length;) {
      const ssize_t count =
          pread(fd_.get(), bounce_.get() + done, length - done, static_cast<off_t>(begin + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EINVAL && direct_) {
        // The device wants another alignment than it says.
        if (fcntl(fd_.get(), F_SETFL, 0) != 0) return IoError(errno, "read", length, begin, path_);
        direct_ = false;
        return Fill(begin, length);
      }
      if (count <= 0) return IoError(count == 0 ? EIO : errno, "read", length, begin, path_);
      done += static_cast<uint64_t>(count);
    }
    return absl::OkStatus();
  }

  const FileDescriptor fd_;
  const std::string path_;
  const uint64_t size_;
  const uint64_t alignment_;
  bool direct_;
  const std::unique_ptr<uint8_t, void (*)(void*)> bounce_;
};

}  // namespace

std::unique_ptr<BlockWriter> MakeLinuxBlockWriter(FileDescriptor fd, std::string path,
                                                  uint64_t size) {
  return std::make_unique<LinuxBlockWriter>(std::move(fd), std::move(path), size);
}

absl::StatusOr<std::unique_ptr<BlockReader>> MakeLinuxBlockReader(const std::string& path,
                                                                  uint64_t size,
                                                                  uint32_t sector_size) {
  const uint64_t alignment = std::max<uint64_t>(sector_size, 512);
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  bool direct = fd.valid();
  if (!direct && errno == EINVAL) fd = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return ErrnoError(errno, "storage", "device-io", "cannot open " + path + " for reading");
  }
  return std::make_unique<LinuxBlockReader>(std::move(fd), path, size, alignment, direct);
}

}  // namespace trident
