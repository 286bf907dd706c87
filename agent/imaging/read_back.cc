#include "agent/imaging/read_back.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "absl/strings/str_cat.h"
#include "agent/imaging/buffer_channel.h"
#include "agent/imaging/digests.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr size_t kReadBytes = size_t{4} * 1024 * 1024;
constexpr std::chrono::milliseconds kProgressInterval{200};

absl::Status ReadAll(BlockReader& device, uint64_t length, const Cancellation& cancellation,
                     const std::function<void(uint64_t)>& progress,
                     const std::function<void(std::span<const uint8_t>)>& take) {
  Buffer buffer(kReadBytes);
  auto next_report = std::chrono::steady_clock::now() + kProgressInterval;
  for (uint64_t done = 0; done < length;) {
    if (cancellation.cancelled()) {
      return MakeError(absl::StatusCode::kCancelled, "cancelled", "cancelled",
                       "reading back what was written was cancelled");
    }
    const std::span<uint8_t> part =
        buffer.room().first(std::min<uint64_t>(kReadBytes, length - done));
    TRIDENT_RETURN_IF_ERROR(device.ReadAt(done, part));
    take(part);
    done += part.size();
    const auto now = std::chrono::steady_clock::now();
    if (progress && now >= next_report && done < length) {
      next_report = now + kProgressInterval;
      progress(done);
    }
  }
  if (progress) progress(length);
  return absl::OkStatus();
}

absl::Status Verify(BlockReader& device, uint64_t length, const std::string& checksum,
                    const Cancellation& cancellation,
                    const std::function<void(uint64_t)>& progress) {
  ContentChecksum actual;
  TRIDENT_RETURN_IF_ERROR(ReadAll(device, length, cancellation, progress,
                                  [&](std::span<const uint8_t> part) { actual.Update(part); }));
  if (actual.Hex() == checksum) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss, "storage", "read-back-mismatch",
                   absl::StrCat("reading back the first ", length,
                                " bytes of the device: they are not what was written (XXH3-128 ",
                                actual.Hex(), " instead of ", checksum, ")"),
                   "The medium loses or changes data: check it and replace it.");
}

absl::Status OutOfMemory() {
  return MakeError(absl::StatusCode::kResourceExhausted, "environment", "memory",
                   "there is not enough memory to read back an image");
}

}  // namespace

absl::Status ReadThrough(BlockReader& device, const Cancellation& cancellation,
                         const std::function<void(uint64_t done)>& progress) {
  try {
    return ReadAll(device, device.size(), cancellation, progress, [](std::span<const uint8_t>) {});
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::Status VerifyWritten(BlockReader& device, uint64_t length, const std::string& checksum,
                           const Cancellation& cancellation,
                           const std::function<void(uint64_t done)>& progress) {
  if (length > device.size()) {
    return MakeError(absl::StatusCode::kOutOfRange, "storage", "short-device",
                     absl::StrCat("reading back ", length, " bytes: the device has only ",
                                  device.size(), " bytes"));
  }
  try {
    return Verify(device, length, checksum, cancellation, progress);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

}  // namespace trident
