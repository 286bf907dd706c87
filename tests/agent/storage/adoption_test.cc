#include "agent/storage/adoption.h"

#include <vector>

#include "agent/storage/layout.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr char kLinux[] = "0fc63daf-8483-4772-8e79-3d69d8477de4";
constexpr char kHome[] = "933ac7e1-2eb4-4f13-b844-0e14e2aef915";

TablePartition Entry(uint32_t number, const std::string& name, uint64_t start, uint64_t size,
                     const std::string& type = kLinux) {
  TablePartition entry;
  entry.uuid = "0000000" + std::to_string(number) + "-0000-4000-8000-000000000000";
  entry.type_guid = type;
  entry.name = name;
  entry.start = start * kMiB;
  entry.size = size * kMiB;
  entry.number = number;
  return entry;
}

// 1 GiB: "root" at 1, "logs" at 101, "music" at 301 of type home, free from 401.
ObservedDisk TheDisk() {
  ObservedDisk disk;
  disk.path = "/dev/vda";
  disk.size = 1024 * kMiB;
  disk.table = PartitionTable{
      "disk-uuid",
      {Entry(1, "root", 1, 100), Entry(2, "logs", 101, 200), Entry(3, "music", 301, 100, kHome)}};
  return disk;
}

AdoptedPartition ByName(const std::string& id, const std::string& name) {
  AdoptedPartition wanted;
  wanted.id = id;
  wanted.name = name;
  return wanted;
}

// The document's partition "root" and the two others adopted.
Disk TheDocument() {
  Disk disk;
  disk.id = "disk";
  disk.partitions = {{"root", PartitionType::kRoot, {false, 100 * kMiB}}};
  disk.adopted_partitions = {ByName("oldlogs", "logs"), ByName("songs", "music")};
  return disk;
}

absl::StatusOr<PartitionTable> Layout(const Disk& disk, const ObservedDisk& observed) {
  return MakeLayout(disk, observed, [](const std::string& id) { return "new-" + id; });
}

TEST_CASE("an adopted partition is known by each criterion, and by all of them together") {
  struct Case {
    const char* name;
    AdoptedPartition wanted;
    uint32_t number;  // 0: no match
  };
  const std::string logs_uuid = Entry(2, "", 0, 0).uuid;
  using P = PartitionType;
  for (const Case& one : {
           Case{"name", {"x", {}, {}, "logs", {}, {}, false}, 2},
           Case{"uuid", {"x", {}, logs_uuid, {}, {}, {}, false}, 2},
           Case{"position", {"x", {}, {}, {}, 2, {}, false}, 3},
           Case{"type", {"x", {}, {}, {}, {}, P::kHome, false}, 3},
           Case{"the first of a type", {"x", {}, {}, {}, {}, P::kLinuxGeneric, false}, 1},
           Case{"all of them", {"x", {}, logs_uuid, "logs", 1, P::kLinuxGeneric, false}, 2},
           Case{"one of two wrong", {"x", {}, logs_uuid, "music", {}, {}, false}, 0},
           Case{"wrong position", {"x", {}, {}, "logs", 2, {}, false}, 0},
           Case{"wrong name", {"x", {}, {}, "nothing", {}, {}, false}, 0},
       }) {
    DYNAMIC_SECTION(one.name) {
      Disk disk;
      disk.id = "disk";
      // All others are the document's own.
      for (const char* name : {"root", "logs", "music"}) {
        disk.partitions.push_back({name, P::kLinuxGeneric, {false, kMiB}});
      }
      disk.adopted_partitions = {one.wanted};
      const auto adopted = MatchAdopted(disk, TheDisk());
      if (one.number == 0) {
        REQUIRE_ERROR(adopted, absl::StatusCode::kNotFound, "no partition of /dev/vda matches 'x'");
        disk.adopted_partitions[0].continue_if_no_match = true;
        REQUIRE(MatchAdopted(disk, TheDisk())->empty());
      } else {
        REQUIRE_OK(adopted);
        REQUIRE(adopted->size() == 1);
        REQUIRE(adopted->front().found.number == one.number);
      }
    }
  }
}

TEST_CASE("a name that two partitions have says too little") {
  ObservedDisk observed = TheDisk();
  observed.table->partitions[2].name = "logs";
  REQUIRE_ERROR(MatchAdopted(TheDocument(), observed), absl::StatusCode::kFailedPrecondition,
                "2 partitions of /dev/vda match 'oldlogs'");
}

TEST_CASE("a partition that would be lost is named") {
  Disk disk = TheDocument();
  disk.adopted_partitions.pop_back();
  REQUIRE_ERROR(MatchAdopted(disk, TheDisk()), absl::StatusCode::kFailedPrecondition,
                "the partition 3 'music'");
}

TEST_CASE("adopted partitions keep place, number, ids and label; others go around them") {
  Disk disk = TheDocument();
  disk.partitions.push_back({"swap", PartitionType::kSwap, {false, 150 * kMiB}});
  disk.partitions.push_back({"rest", PartitionType::kSrv, {true, 0}});
  const auto table = Layout(disk, TheDisk());
  REQUIRE_OK(table);
  REQUIRE(table->disk_uuid == "disk-uuid");
  REQUIRE(table->partitions.size() == 5);
  const auto check = [&](size_t i, const char* name, uint32_t number, uint64_t start,
                         uint64_t size) {
    const TablePartition& entry = table->partitions[i];
    INFO(name);
    CHECK(entry.name == name);
    CHECK(entry.number == number);
    CHECK(entry.start == start * kMiB);
    CHECK(entry.size == size * kMiB);
  };
  check(0, "root", 1, 1, 100);
  check(1, "swap", 4, 401, 150);
  check(2, "rest", 5, 551, 472);
  check(3, "logs", 2, 101, 200);
  check(4, "music", 3, 301, 100);
  CHECK(table->partitions[3].kept_as == "oldlogs");
  CHECK(table->partitions[3].uuid == Entry(2, "", 0, 0).uuid);
  CHECK(table->partitions[0].kept_as.empty());
  CHECK(table->partitions[0].uuid == "new-root");
}

TEST_CASE("an adopted partition grows, and never shrinks or runs over another") {
  struct Case {
    const char* name;
    size_t which;
    PartitionSize size;
    uint64_t expected;  // MiB; 0: refused
    const char* reason;
  };
  for (const Case& one : {
           Case{"the last one to a size", 1, {false, 300 * kMiB}, 300, ""},
           Case{"the last one to the end", 1, {true, 0}, 722, ""},
           Case{"the same size", 0, {false, 200 * kMiB}, 200, ""},
           Case{"grow without room behind", 0, {true, 0}, 200, ""},
           Case{"smaller", 0, {false, 100 * kMiB}, 0, "more than the size 100M"},
           Case{"over its neighbour", 0, {false, 300 * kMiB}, 0, "cannot grow"},
           Case{"beyond the disk", 1, {false, 900 * kMiB}, 0, "cannot grow"},
           Case{"beyond all disks", 1, {false, UINT64_MAX - 511}, 0, "cannot grow"},
       }) {
    DYNAMIC_SECTION(one.name) {
      Disk disk = TheDocument();
      disk.adopted_partitions[one.which].size = one.size;
      const auto table = Layout(disk, TheDisk());
      if (one.expected == 0) {
        REQUIRE_ERROR(table, absl::StatusCode::kFailedPrecondition, one.reason);
      } else {
        REQUIRE_OK(table);
        REQUIRE(table->partitions[1 + one.which].size == one.expected * kMiB);
      }
    }
  }
}

TEST_CASE("without room beside what is adopted the disk is too small") {
  Disk disk = TheDocument();
  disk.partitions.push_back({"large", PartitionType::kSrv, {false, 700 * kMiB}});
  REQUIRE_ERROR(Layout(disk, TheDisk()), absl::StatusCode::kFailedPrecondition,
                "no free room for the partition 'large'");
}

TEST_CASE("a blank disk from which nothing has to be adopted is laid out as any") {
  Disk disk = TheDocument();
  for (AdoptedPartition& wanted : disk.adopted_partitions) wanted.continue_if_no_match = true;
  ObservedDisk observed = TheDisk();
  observed.table.reset();
  const auto table = Layout(disk, observed);
  REQUIRE_OK(table);
  REQUIRE(table->partitions.size() == 1);
}

}  // namespace
}  // namespace trident
