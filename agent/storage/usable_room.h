// The part of a disk that partitions may take.
#ifndef TRIDENT_AGENT_STORAGE_USABLE_ROOM_H_
#define TRIDENT_AGENT_STORAGE_USABLE_ROOM_H_

#include <cstdint>

#include "agent/host/block_devices.h"

namespace trident {

inline constexpr uint64_t kMebibyte = 1 << 20;
// UEFI Specification 2.10, section 5.3: at least 16 KiB are set aside for the entries of a table.
inline constexpr uint64_t kTableEntriesSize = 16384;

inline uint64_t RoundUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// The bytes that partitions may take, [begin, end).
struct UsableRoom {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// The first MiB holds the protective MBR, the header and the entries; their backup is at the end.
inline UsableRoom UsableRoomOf(const ObservedDisk& disk) {
  const uint64_t backup = RoundUp(kTableEntriesSize, disk.sector_size) + disk.sector_size;
  if (disk.size < kMebibyte + backup) return {kMebibyte, kMebibyte};
  return {kMebibyte, (disk.size - backup) / disk.sector_size * disk.sector_size};
}

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_USABLE_ROOM_H_
