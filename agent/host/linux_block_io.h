// Reading and writing an opened block device.
#ifndef TRIDENT_AGENT_HOST_LINUX_BLOCK_IO_H_
#define TRIDENT_AGENT_HOST_LINUX_BLOCK_IO_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/host/block_devices.h"
#include "agent/host/file_descriptor.h"

namespace trident {

// `fd` is open for writing, `size` in bytes; `path` is for messages.
std::unique_ptr<BlockWriter> MakeLinuxBlockWriter(FileDescriptor fd, std::string path,
                                                  uint64_t size);

// Opens `path` for reading past the page cache. `sector_size` is what direct reads are aligned to.
absl::StatusOr<std::unique_ptr<BlockReader>> MakeLinuxBlockReader(const std::string& path,
                                                                  uint64_t size,
                                                                  uint32_t sector_size);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_LINUX_BLOCK_IO_H_
