// What most tests of streams need.
#ifndef TRIDENT_TESTS_AGENT_IMAGING_STREAM_FIXTURE_H_
#define TRIDENT_TESTS_AGENT_IMAGING_STREAM_FIXTURE_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/imaging/image_probe.h"
#include "agent/imaging/image_streamer.h"
#include "common/base/error.h"
#include "tests/agent/imaging/file_block_device.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {

// Waits are short. Timeouts are not: a busy machine must not look like a stalled server, and tests
// of a stall set their own.
inline FetchOptions FastOptions() {
  FetchOptions options;
  options.connect_timeout = std::chrono::minutes(2);
  options.stall_timeout = std::chrono::minutes(2);
  options.first_backoff = std::chrono::milliseconds(1);
  options.longest_backoff = std::chrono::milliseconds(4);
  options.attempts = 4;
  options.probe_attempts = 3;
  return options;
}

inline std::string SubkindOf(const absl::Status& status) { return GetErrorDetail(status).subkind; }

struct StreamFixture {
  explicit StreamFixture(uint64_t device_bytes) : device(directory / "device", device_bytes) {}

  // Writes `image` to a file and gives its URL.
  std::string File(const std::string& image) const {
    WriteFile(directory / "image", image);
    return "file://" + (directory / "image");
  }
  absl::StatusOr<StreamResult> Stream(const std::string& url, ImageFormat format,
                                      ImageHash sha256 = ImageHash::Ignored()) {
    StreamRequest request;
    request.url = url;
    request.format = format;
    request.sha256 = std::move(sha256);
    request.target = &device;
    request.cancellation = &cancellation;
    request.note = [this](const std::string& note) { notes.push_back(note); };
    return MakeStreamer()->Stream(request);
  }
  std::unique_ptr<ImageStreamer> MakeStreamer() const {
    return MakeImageStreamer(options, *files, *commands);
  }
  absl::StatusOr<ImageFacts> Probe(const std::string& url, ImageFormat format,
                                   ImageHash sha256 = ImageHash::Ignored()) const {
    const Image image = {
        .url = url, .sha256 = std::move(sha256), .format = format, .target_id = "root"};
    return MakeImageProber(options, *files, *commands)->Probe(image, cancellation);
  }

  TemporaryDirectory directory;
  FetchOptions options = FastOptions();
  Cancellation cancellation;
  std::unique_ptr<Files> files = MakeLinuxFiles();
  std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  std::vector<std::string> notes;
  FileBlockDevice device;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_STREAM_FIXTURE_H_
