// Streams one image file to a block device with the agent's pipeline and prints how it went.
//
//   stream_benchmark zstd|xz IMAGE DEVICE
//
// Output: seconds (wall clock, with the flush) and peak resident memory in KiB.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>

#include "agent/imaging/image_streamer.h"
#include "common/base/error.h"

namespace trident {
namespace {

// The plainest writer there can be: what is measured is the pipeline.
class PlainWriter : public BlockWriter {
 public:
  explicit PlainWriter(const char* path) : descriptor_(open(path, O_WRONLY | O_CLOEXEC | O_EXCL)) {
    if (descriptor_ >= 0 && ioctl(descriptor_, BLKGETSIZE64, &size_) != 0) size_ = 0;
  }
  ~PlainWriter() override {
    if (descriptor_ >= 0) close(descriptor_);
  }
  PlainWriter(const PlainWriter&) = delete;
  PlainWriter& operator=(const PlainWriter&) = delete;

  uint64_t size() const override { return size_; }

  absl::Status WriteAt(uint64_t offset, std::span<const uint8_t> data) override {
    while (!data.empty()) {
      const ssize_t written =
          pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset));
      if (written < 0) return ErrnoError(errno, "storage", "write", "writing to the device");
      offset += static_cast<uint64_t>(written);
      data = data.subspan(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    if (fsync(descriptor_) == 0) return absl::OkStatus();
    return ErrnoError(errno, "storage", "flush", "flushing the device");
  }

 private:
  int descriptor_;
  uint64_t size_ = 0;
};

int Run(const std::string& format, const std::string& image, const char* device) {
  PlainWriter writer(device);
  const Cancellation cancellation;
  StreamRequest request;
  request.url = "file://" + image;
  request.format = format == "zstd" ? ImageFormat::kRawZstd : ImageFormat::kRawLzma;
  request.target = &writer;
  request.cancellation = &cancellation;
  const auto begin = std::chrono::steady_clock::now();
  const auto result =
      MakeImageStreamer(FetchOptions{}, *MakeLinuxFiles(), *MakeLinuxCommandRunner())
          ->Stream(request);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (!result.ok()) {
    std::fprintf(stderr, "stream_benchmark: %s\n", result.status().ToString().c_str());
    return 1;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%.3f %ld\n", seconds.count(), usage.ru_maxrss);
  return 0;
}

}  // namespace
}  // namespace trident

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: stream_benchmark zstd|xz IMAGE DEVICE\n");
    return 2;
  }
  return trident::Run(argv[1], argv[2], argv[3]);
}
