// Compares what is on a device with what was written.
#ifndef TRIDENT_AGENT_IMAGING_READ_BACK_H_
#define TRIDENT_AGENT_IMAGING_READ_BACK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "agent/host/block_devices.h"
#include "agent/host/cancellation.h"

namespace trident {

// Reads the first `length` bytes of `device` and compares their XXH3-128 with `checksum`
// (StreamResult::content_checksum). `progress` (may be empty) is told how many bytes have been
// read, at most five times a second and once at the end, in the thread of the caller. DATA_LOSS,
// kind "storage", subkind "read-back-mismatch": the medium does not hold what was written.
// OUT_OF_RANGE: the device is shorter than `length`. CANCELLED. Errors of the device as they come.
absl::Status VerifyWritten(BlockReader& device, uint64_t length, const std::string& checksum,
                           const Cancellation& cancellation,
                           const std::function<void(uint64_t done)>& progress);

// Reads all of `device`, for one that checks by itself what is read. Progress, CANCELLED and errors
// as of VerifyWritten.
absl::Status ReadThrough(BlockReader& device, const Cancellation& cancellation,
                         const std::function<void(uint64_t done)>& progress);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_READ_BACK_H_
