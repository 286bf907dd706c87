// The small grammars: sizes, operations, kinds, partition types.
#include <catch2/catch.hpp>
#include <string>

#include "common/config/allowed_operations.h"
#include "common/config/enum_names.h"
#include "common/config/partition_size.h"
#include "common/config/partition_type.h"
#include "common/config/servicing_kind.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

TEST_CASE("sizes are read by their grammar") {
  struct Case {
    const char* text;
    uint64_t bytes;
  };
  const Case good[] = {{"0", 0},
                       {"1", 1},
                       {"1K", 1024},
                       {" 5 M ", 5ull << 20},
                       {"2G", 2ull << 30},
                       {"16777215T", 16777215ull << 40},
                       {"18446744073709551615", UINT64_MAX},
                       {"007K", 7168}};
  for (const Case& c : good) {
    INFO(c.text);
    const auto size = ParsePartitionSize(c.text);
    REQUIRE_OK(size);
    CHECK(size->bytes == c.bytes);
    CHECK_FALSE(size->grow);
  }
  CHECK(ParsePartitionSize(" grow ")->grow);
  for (const char* text : {"", " ", "1.0", "1.0K", "1k", "1KB", "1KiB", "1P", "-1", "+1", "1 0K",
                           "K", "x1K", "1Kx", "Grow", "grow 1", "0x10", "1K M"}) {
    INFO(text);
    REQUIRE_ERROR(ParsePartitionSize(text), absl::StatusCode::kInvalidArgument, "not a size");
  }
  for (const char* text : {"16777216T", "18446744073709551616", "99999999999999999999G"}) {
    INFO(text);
    REQUIRE_ERROR(ParsePartitionSize(text), absl::StatusCode::kOutOfRange, "64 bits");
  }
}

TEST_CASE("sizes are printed with the largest unit that divides") {
  struct Case {
    uint64_t bytes;
    const char* text;
  };
  const Case cases[] = {{0, "0"},
                        {1024, "1K"},
                        {1025, "1025"},
                        {1049600, "1025K"},
                        {1048577, "1048577"},
                        {1099511627776, "1T"},
                        {1ull << 63, "8388608T"},
                        {512ull << 20, "512M"},
                        {6ull << 30, "6G"}};
  for (const Case& c : cases) {
    CHECK(FormatPartitionSize({.bytes = c.bytes}) == c.text);
    CHECK(ParsePartitionSize(c.text)->bytes == c.bytes);
  }
  CHECK(FormatPartitionSize({.grow = true}) == "grow");
}

TEST_CASE("allowed operations are read in any case") {
  CHECK(*ParseAllowedOperations("") == AllowedOperations::None());
  CHECK(*ParseAllowedOperations("  ") == AllowedOperations::None());
  CHECK(*ParseAllowedOperations("Update | TRANSITION") == AllowedOperations::All());
  CHECK(*ParseAllowedOperations("update") == AllowedOperations{.update = true});
  CHECK(*ParseAllowedOperations("transition|transition") == AllowedOperations{.transition = true});
  for (const char* text : {"updat", "update,transition", "update|", "|", "0x3", "all"}) {
    INFO(text);
    REQUIRE_ERROR(ParseAllowedOperations(text), absl::StatusCode::kInvalidArgument,
                  "no operation that can be allowed");
  }
  for (const bool update : {false, true}) {
    for (const bool transition : {false, true}) {
      const AllowedOperations operations{.update = update, .transition = transition};
      CHECK(*ParseAllowedOperations(FormatAllowedOperations(operations)) == operations);
      CHECK(Intersect(operations, AllowedOperations::All()) == operations);
      CHECK(Intersect(AllowedOperations::None(), operations) == AllowedOperations::None());
    }
  }
}

TEST_CASE("names of kinds, volumes and partition types go both ways") {
  for (const ServicingKind kind :
       {ServicingKind::kNone, ServicingKind::kHotPatch, ServicingKind::kNormalUpdate,
        ServicingKind::kUpdateAndReboot, ServicingKind::kAbUpdate, ServicingKind::kIncompatible,
        ServicingKind::kCleanInstall}) {
    CHECK(ServicingKindFromName(ServicingKindName(kind)) == kind);
  }
  CHECK(ServicingKindName(ServicingKind::kAbUpdate) == "ab-update");
  CHECK(ServicingKindFromName("AbUpdate") == std::nullopt);
  CHECK(VolumeFromName(VolumeName(Volume::kB)) == Volume::kB);
  CHECK(VolumeFromName("b") == std::nullopt);
  for (const auto& [type, name] : EnumNames<PartitionType>::kNames) {
    CHECK(PartitionTypeName(type) == name);
    CHECK(PartitionTypeFromName(name) == type);
    for (const Architecture architecture : {Architecture::kX86_64, Architecture::kArm64}) {
      CHECK(PartitionTypeNameOfGuid(PartitionTypeGuid(type, architecture)).has_value());
    }
  }
}

TEST_CASE("partition types have the GUIDs of the specification") {
  CHECK(PartitionTypeGuid(PartitionType::kEsp, Architecture::kArm64) ==
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
  CHECK(PartitionTypeGuid(PartitionType::kRoot, Architecture::kX86_64) ==
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
  CHECK(PartitionTypeGuid(PartitionType::kRoot, Architecture::kArm64) ==
        "b921b045-1df0-41c3-af44-4c6f280d3fae");
  CHECK(PartitionTypeNameOfGuid("4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709") == "root-x86-64");
  CHECK(PartitionTypeNameOfGuid("bc13c2ff-59e6-4262-a352-b275fd6f7172") == "xbootldr");
  CHECK(PartitionTypeNameOfGuid("00000000-0000-0000-0000-000000000000") == std::nullopt);
}

}  // namespace
}  // namespace trident
