#include "agent/storage/adoption.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/storage/usable_room.h"
#include "common/base/error.h"
#include "common/config/enum_names.h"
#include "common/config/partition_size.h"
#include "common/config/partition_type.h"

namespace trident {
namespace {

absl::Status Refuse(absl::StatusCode code, const char* subkind, std::string message,
                    std::string remedy) {
  return MakeError(code, "storage", subkind, std::move(message), std::move(remedy));
}

std::string Criteria(const AdoptedPartition& wanted) {
  std::vector<std::string> words;
  if (wanted.uuid) words.push_back("uuid " + *wanted.uuid);
  if (wanted.name) words.push_back("name " + *wanted.name);
  if (wanted.position) words.push_back(absl::StrCat("position ", *wanted.position));
  if (wanted.next_of_type) {
    words.push_back("type " + std::string(EnumName(*wanted.next_of_type)));
  }
  return absl::StrJoin(words, ", ");
}

bool Matches(const AdoptedPartition& wanted, const TablePartition& found, uint64_t position) {
  if (wanted.uuid && absl::AsciiStrToLower(*wanted.uuid) != found.uuid) return false;
  if (wanted.name && *wanted.name != found.name) return false;
  if (wanted.position && *wanted.position != position) return false;
  return !wanted.next_of_type ||
         PartitionTypeGuid(*wanted.next_of_type, ThisArchitecture()) == found.type_guid;
}

// A stretch of the disk, [begin, end).
struct Stretch {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t size() const { return end > begin ? end - begin : 0; }
};

// What no partition of `taken` covers; begins at whole MiB.
std::vector<Stretch> FreeStretches(const UsableRoom& usable, std::vector<Stretch> taken) {
  std::sort(taken.begin(), taken.end(),
            [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  std::vector<Stretch> free;
  uint64_t next = usable.begin;
  const auto add = [&](uint64_t end) {
    const uint64_t begin = RoundUp(next, kMebibyte);
    if (end > begin) free.push_back({begin, end});
  };
  for (const Stretch& one : taken) {
    add(std::min(one.begin, usable.end));
    next = std::max(next, one.end);
  }
  add(usable.end);
  return free;
}

}  // namespace

absl::StatusOr<std::vector<Adoption>> MatchAdopted(const Disk& disk, const ObservedDisk& observed) {
  std::vector<TablePartition> table;
  if (observed.table) table = observed.table->partitions;
  std::sort(table.begin(), table.end(),
            [](const TablePartition& a, const TablePartition& b) { return a.number < b.number; });
  std::set<std::string> taken;
  std::vector<Adoption> adopted;
  for (const AdoptedPartition& wanted : disk.adopted_partitions) {
    std::vector<const TablePartition*> matching;
    for (size_t i = 0; i < table.size(); ++i) {
      if (!taken.contains(table[i].uuid) && Matches(wanted, table[i], i)) {
        matching.push_back(&table[i]);
      }
    }
    if (matching.empty()) {
      if (wanted.continue_if_no_match) continue;
      return Refuse(absl::StatusCode::kNotFound, "adoption-no-match",
                    absl::StrCat("no partition of ", observed.path, " matches '", wanted.id, "' (",
                                 Criteria(wanted), ")"),
                    "Correct what it is known by, or set continueIfNoMatch.");
    }
    // "next of type" says itself that it means the first of several.
    if (matching.size() > 1 && !wanted.next_of_type) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "adoption-ambiguous",
                    absl::StrCat(matching.size(), " partitions of ", observed.path, " match '",
                                 wanted.id, "' (", Criteria(wanted), ")"),
                    "Say more about it: its uuid, or its position.");
    }
    Adoption adoption{&wanted, *matching.front(), matching.front()->size};
    taken.insert(adoption.found.uuid);
    if (wanted.size && !wanted.size->grow) {
      if (wanted.size->bytes < adoption.found.size) {
        return Refuse(
            absl::StatusCode::kFailedPrecondition, "adoption-shrinks",
            absl::StrCat("the adopted partition '", wanted.id, "' has ", adoption.found.size,
                         " bytes, more than the size ", FormatPartitionSize(*wanted.size)),
            "An adopted partition can only grow: leave its size out, or name a larger one.");
      }
      if (wanted.size->bytes % observed.sector_size != 0) {
        return Refuse(absl::StatusCode::kInvalidArgument, "partition-size",
                      absl::StrCat("the adopted partition '", wanted.id, "' cannot have ",
                                   wanted.size->bytes, " bytes"),
                      absl::StrCat("Give it a size that is a multiple of the disk's sectors of ",
                                   observed.sector_size, " bytes."));
      }
      adoption.size = wanted.size->bytes;
    }
    adopted.push_back(std::move(adoption));
  }
  for (const TablePartition& entry : table) {
    if (taken.contains(entry.uuid)) continue;
    const bool ours =
        std::any_of(disk.partitions.begin(), disk.partitions.end(),
                    [&](const Partition& partition) { return partition.id == entry.name; });
    if (ours) continue;
    return Refuse(absl::StatusCode::kFailedPrecondition, "partition-would-be-lost",
                  absl::StrCat("the partition ", entry.number, " '", entry.name, "' (", entry.uuid,
                               ") of ", observed.path,
                               " would be lost: it is neither adopted nor one of the document's"),
                  "Adopt it, or delete it yourself if it may be lost.");
  }
  return adopted;
}

absl::StatusOr<PartitionTable> LayOutAround(
    const std::vector<Adoption>& adopted, const Disk& disk, const ObservedDisk& observed,
    const std::function<std::string(const std::string& id)>& uuid_of) {
  const UsableRoom usable = UsableRoomOf(observed);
  std::vector<Stretch> taken;
  std::set<uint32_t> numbers;
  for (const Adoption& one : adopted) {
    // Where the next adopted partition begins, or the room ends. One that was made by other rules
    // may end beyond what is usable by ours; it may stay so.
    uint64_t end = std::max(usable.end, one.found.start + one.found.size);
    for (const Adoption& other : adopted) {
      if (other.found.start > one.found.start) end = std::min(end, other.found.start);
    }
    numbers.insert(one.found.number);
    if (one.size <= end - one.found.start) {
      taken.push_back({one.found.start, one.found.start + one.size});
      continue;
    }
    return Refuse(absl::StatusCode::kFailedPrecondition, "adoption-no-room",
                  absl::StrCat("the adopted partition '", one.wanted->id, "' cannot grow to ",
                               one.size, " bytes: the room behind it is taken"),
                  "Name a smaller size, or leave it out.");
  }
  PartitionTable table;
  table.disk_uuid = observed.table->disk_uuid;
  std::vector<Stretch> places(disk.partitions.size());
  const auto place = [&](size_t index, bool growing) -> absl::Status {
    const Partition& partition = disk.partitions[index];
    const std::vector<Stretch> free = FreeStretches(usable, taken);
    std::optional<Stretch> best;
    for (const Stretch& one : free) {
      if (growing) {
        // Whole MiB, as without adopted partitions.
        const Stretch whole{one.begin, one.begin + one.size() / kMebibyte * kMebibyte};
        if (whole.size() > 0 && (!best || whole.size() > best->size())) best = whole;
      } else if (!best && one.size() >= partition.size.bytes) {
        best = Stretch{one.begin, one.begin + partition.size.bytes};
      }
    }
    if (!best) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "disk-too-small",
                    absl::StrCat("disk \"", disk.id, "\" (", observed.path,
                                 ") has no free room for the partition '", partition.id,
                                 "' beside what is adopted"),
                    "Use a larger disk, or make the partitions smaller.");
    }
    places[index] = *best;
    taken.push_back(*best);
    return absl::OkStatus();
  };
  for (const bool growing : {false, true}) {
    for (size_t i = 0; i < disk.partitions.size(); ++i) {
      if (disk.partitions[i].size.grow == growing) TRIDENT_RETURN_IF_ERROR(place(i, growing));
    }
  }
  uint32_t number = 0;
  for (size_t i = 0; i < disk.partitions.size(); ++i) {
    do ++number;
    while (numbers.contains(number));
    TablePartition entry;
    entry.uuid = uuid_of(disk.partitions[i].id);
    entry.type_guid = PartitionTypeGuid(disk.partitions[i].type, ThisArchitecture());
    entry.name = disk.partitions[i].id;
    entry.start = places[i].begin;
    entry.size = places[i].size();
    entry.number = number;
    table.partitions.push_back(std::move(entry));
  }
  for (const Adoption& one : adopted) {
    TablePartition entry = one.found;
    entry.size = one.size;
    if (one.wanted->size && one.wanted->size->grow) {
      // What is free right behind it, now that everything else has its place.
      uint64_t end = usable.end;
      for (const Stretch& other : taken) {
        if (other.begin > entry.start) end = std::min(end, other.begin);
      }
      entry.size = std::max(entry.size, (end - entry.start) / kMebibyte * kMebibyte);
    }
    entry.kept_as = one.wanted->id;
    table.partitions.push_back(std::move(entry));
  }
  return table;
}

}  // namespace trident
