#include "agent/storage/layout.h"

#include "common/base/error.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

Partition Fixed(const std::string& id, uint64_t bytes,
                PartitionType type = PartitionType::kLinuxGeneric) {
  return {id, type, {false, bytes}};
}

Partition Grow(const std::string& id) { return {id, PartitionType::kLinuxGeneric, {true, 0}}; }

absl::StatusOr<PartitionTable> Layout(const std::vector<Partition>& partitions, uint64_t size,
                                      uint32_t sector_size = 512) {
  Disk disk;
  disk.id = "disk1";
  disk.partitions = partitions;
  ObservedDisk observed;
  observed.path = "/dev/vda";
  observed.size = size;
  observed.sector_size = sector_size;
  return MakeLayout(disk, observed, [](const std::string& id) { return "uuid-of-" + id; });
}

struct Place {
  uint64_t start;
  uint64_t size;
  bool operator==(const Place&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Place& place) {
  return out << place.start << "+" << place.size;
}

TEST_CASE("partitions find their places") {
  struct Case {
    const char* name;
    std::vector<Partition> partitions;
    uint64_t size;
    uint32_t sector_size;
    std::vector<Place> expected;
  };
  const Case cases[] = {
      {"no partitions are a table without any", {}, 64 * kMiB, 512, {}},
      {"fixed sizes follow each other in the order of the document",
       {Fixed("b", 8 * kMiB), Fixed("a", 16 * kMiB)},
       64 * kMiB,
       512,
       {{kMiB, 8 * kMiB}, {9 * kMiB, 16 * kMiB}}},
      {"a size that is no whole MiB stays, the next one begins at a MiB",
       {Fixed("a", 8 * kMiB + 512), Fixed("b", 4096)},
       64 * kMiB,
       512,
       {{kMiB, 8 * kMiB + 512}, {10 * kMiB, 4096}}},
      {"grow at the end takes the rest in whole MiB and leaves the backup table",
       {Fixed("a", 8 * kMiB), Grow("b")},
       64 * kMiB,
       512,
       {{kMiB, 8 * kMiB}, {9 * kMiB, 54 * kMiB}}},
      {"grow in the middle leaves room for what follows",
       {Fixed("a", 8 * kMiB), Grow("b"), Fixed("c", 4 * kMiB)},
       64 * kMiB,
       512,
       {{kMiB, 8 * kMiB}, {9 * kMiB, 50 * kMiB}, {59 * kMiB, 4 * kMiB}}},
      {"two that grow share",
       {Grow("a"), Grow("b")},
       64 * kMiB,
       512,
       {{kMiB, 31 * kMiB}, {32 * kMiB, 31 * kMiB}}},
      {"sectors of 4096 bytes",
       {Fixed("a", 8 * kMiB), Grow("b")},
       64 * kMiB,
       4096,
       {{kMiB, 8 * kMiB}, {9 * kMiB, 54 * kMiB}}},
      {"a partition may end at the last usable sector of 512 bytes",
       {Fixed("a", 62 * kMiB + (kMiB - 33 * 512))},
       64 * kMiB,
       512,
       {{kMiB, 62 * kMiB + (kMiB - 33 * 512)}}},
      {"a partition may end at the last usable sector of 4096 bytes",
       {Fixed("a", 62 * kMiB + (kMiB - 5 * 4096))},
       64 * kMiB,
       4096,
       {{kMiB, 62 * kMiB + (kMiB - 5 * 4096)}}},
      {"a disk with a size that is no whole sector",
       {Grow("a")},
       64 * kMiB + 100,
       512,
       {{kMiB, 62 * kMiB}}},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const auto table = Layout(one.partitions, one.size, one.sector_size);
      REQUIRE_OK(table);
      std::vector<Place> places;
      for (const TablePartition& entry : table->partitions) {
        places.push_back({entry.start, entry.size});
      }
      REQUIRE(places == one.expected);
    }
  }
}

TEST_CASE("ids, names, types and numbers come from the document") {
  const auto table =
      Layout({Fixed("esp-a", 64 * kMiB, PartitionType::kEsp), Fixed("swap", kMiB)}, kGiB);
  REQUIRE_OK(table);
  REQUIRE(table->disk_uuid == "uuid-of-disk1");
  const TablePartition& esp = table->partitions[0];
  REQUIRE(esp.uuid == "uuid-of-esp-a");
  REQUIRE(esp.name == "esp-a");
  REQUIRE(esp.type_guid == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
  REQUIRE(esp.number == 1);
  REQUIRE(table->partitions[1].number == 2);
}

TEST_CASE("what does not fit is refused with its name and its figures") {
  struct Case {
    const char* name;
    std::vector<Partition> partitions;
    uint64_t size;
    uint32_t sector_size;
    absl::StatusCode code;
    const char* subkind;
    const char* words;
  };
  constexpr auto kTooSmall = absl::StatusCode::kFailedPrecondition;
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const Case cases[] = {
      {"one sector too much for 512",
       {Fixed("a", 63 * kMiB - 32 * 512)},
       64 * kMiB,
       512,
       kTooSmall,
       "disk-too-small",
       "67108864 bytes; its partitions and their table need 67109376"},
      {"one sector too much for 4096",
       {Fixed("a", 63 * kMiB - 4 * 4096)},
       64 * kMiB,
       4096,
       kTooSmall,
       "disk-too-small",
       "67108864"},
      {"no MiB is left to grow",
       {Fixed("a", 62 * kMiB), Grow("b")},
       64 * kMiB,
       512,
       kTooSmall,
       "disk-too-small",
       "disk1"},
      {"an empty disk", {Fixed("a", kMiB)}, 0, 512, kTooSmall, "disk-too-small", " 0 bytes"},
      {"a disk of one sector", {Grow("a")}, 512, 512, kTooSmall, "disk-too-small", "512"},
      {"sizes whose sum overflows",
       {Fixed("a", uint64_t{1} << 63), Fixed("b", uint64_t{1} << 63)},
       kGiB,
       512,
       kTooSmall,
       "disk-too-small",
       "16 EiB"},
      {"a size that overflows when it is rounded",
       {Fixed("a", UINT64_MAX - 511)},
       kGiB,
       512,
       kTooSmall,
       "disk-too-small",
       "16 EiB"},
      {"no whole number of sectors",
       {Fixed("odd", 1025)},
       kGiB,
       512,
       kInvalid,
       "partition-size",
       "\"odd\""},
      {"whole sectors of 512 but not of 4096",
       {Fixed("odd", 512)},
       kGiB,
       4096,
       kInvalid,
       "partition-size",
       "\"odd\""},
      {"a size of nothing", {Fixed("none", 0)}, kGiB, 512, kInvalid, "partition-size", "\"none\""},
      {"an id of 37 letters",
       {Fixed(std::string(37, 'x'), kMiB)},
       kGiB,
       512,
       kInvalid,
       "partition-name",
       "37"},
      {"an id without letters", {Fixed("", kMiB)}, kGiB, 512, kInvalid, "partition-name", "0"},
      {"129 partitions", std::vector<Partition>(129, Fixed("p", kMiB)), kGiB, 512, kInvalid,
       "too-many-partitions", "129"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const auto table = Layout(one.partitions, one.size, one.sector_size);
      REQUIRE_ERROR(table, one.code, one.words);
      REQUIRE(GetErrorDetail(table.status()).kind == "storage");
      REQUIRE(GetErrorDetail(table.status()).subkind == one.subkind);
    }
  }
}

TEST_CASE("an id may have 36 UTF-16 units, where one beyond the basic plane counts twice") {
  std::string clefs;
  for (int i = 0; i < 18; ++i) clefs += "\xf0\x9d\x84\x9e";
  REQUIRE_OK(Layout({Fixed(clefs, kMiB)}, kGiB));
  REQUIRE_ERROR(Layout({Fixed(clefs + "x", kMiB)}, kGiB), absl::StatusCode::kInvalidArgument, "37");
}

}  // namespace
}  // namespace trident
