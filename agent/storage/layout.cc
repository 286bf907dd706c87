#include "agent/storage/layout.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/storage/adoption.h"
#include "agent/storage/usable_room.h"
#include "common/base/error.h"
#include "common/config/partition_type.h"

namespace trident {
namespace {

constexpr size_t kMostPartitions = 128;
constexpr size_t kMostNameUnits = 36;

// Length in UTF-16 code units of a text in UTF-8.
size_t Utf16Units(const std::string& text) {
  size_t units = 0;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((byte & 0xc0) == 0x80) continue;
    units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

absl::Status CheckPartition(const Disk& disk, const Partition& partition, uint32_t sector_size) {
  const std::string which =
      absl::StrCat("partition \"", partition.id, "\" of disk \"", disk.id, "\"");
  if (partition.id.empty() || Utf16Units(partition.id) > kMostNameUnits) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "partition-name",
                     absl::StrCat("the id of ", which, " cannot be its name in the table: it has ",
                                  Utf16Units(partition.id), " characters"),
                     absl::StrCat("give it an id of 1 to ", kMostNameUnits, " characters"));
  }
  if (partition.size.grow) return absl::OkStatus();
  if (partition.size.bytes == 0 || partition.size.bytes % sector_size != 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "partition-size",
                     absl::StrCat(which, " cannot have ", partition.size.bytes, " bytes"),
                     absl::StrCat("give it a size that is a multiple of the disk's sectors of ",
                                  sector_size, " bytes, and more than 0"));
  }
  return absl::OkStatus();
}

absl::Status TooSmall(const Disk& disk, const ObservedDisk& observed, const std::string& needed) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "disk-too-small",
                   absl::StrCat("disk \"", disk.id, "\" (", observed.path, ") has ", observed.size,
                                " bytes; its partitions and their table need ", needed),
                   "use a larger disk, or make the partitions smaller");
}

}  // namespace

absl::StatusOr<PartitionTable> MakeLayout(
    const Disk& disk, const ObservedDisk& observed,
    const std::function<std::string(const std::string& id)>& uuid_of) {
  const size_t count = disk.partitions.size() + disk.adopted_partitions.size();
  if (count > kMostPartitions) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "too-many-partitions",
                     absl::StrCat("disk \"", disk.id, "\" has ", count,
                                  " partitions; a table holds ", kMostPartitions));
  }
  for (const Partition& partition : disk.partitions) {
    TRIDENT_RETURN_IF_ERROR(CheckPartition(disk, partition, observed.sector_size));
  }
  if (!disk.adopted_partitions.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<Adoption> adopted, MatchAdopted(disk, observed));
    if (!adopted.empty()) return LayOutAround(adopted, disk, observed, uuid_of);
  }
  const UsableRoom usable = UsableRoomOf(observed);

  // What the fixed sizes take: all but the last one up to the next whole MiB. One that grows takes
  // whole MiB by itself, at least one.
  uint64_t taken = 0;
  uint64_t growing = 0;
  for (size_t i = 0; i < disk.partitions.size(); ++i) {
    const PartitionSize& size = disk.partitions[i].size;
    growing += size.grow ? 1 : 0;
    const uint64_t bytes = size.grow ? kMebibyte : size.bytes;
    if (bytes > UINT64_MAX - kMebibyte ||
        RoundUp(bytes, kMebibyte) > UINT64_MAX - taken - 2 * kMebibyte) {
      return TooSmall(disk, observed, "more than 16 EiB");
    }
    taken += i + 1 == disk.partitions.size() ? bytes : RoundUp(bytes, kMebibyte);
  }
  const uint64_t room = usable.end - usable.begin;
  if (taken > room) {
    const uint64_t around =
        usable.begin + RoundUp(kTableEntriesSize, observed.sector_size) + observed.sector_size;
    return TooSmall(disk, observed, absl::StrCat(taken + around, " bytes"));
  }
  const uint64_t share =
      growing == 0 ? 0 : ((room - taken) / growing + kMebibyte) / kMebibyte * kMebibyte;

  PartitionTable table;
  table.disk_uuid = uuid_of(disk.id);
  uint64_t next = usable.begin;
  for (const Partition& partition : disk.partitions) {
    TablePartition entry;
    entry.uuid = uuid_of(partition.id);
    entry.type_guid = PartitionTypeGuid(partition.type, ThisArchitecture());
    entry.name = partition.id;
    entry.start = next;
    entry.size = partition.size.grow ? share : partition.size.bytes;
    entry.number = static_cast<uint32_t>(table.partitions.size() + 1);
    next = RoundUp(entry.start + entry.size, kMebibyte);
    table.partitions.push_back(std::move(entry));
  }
  return table;
}

}  // namespace trident
