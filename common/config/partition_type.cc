#include "common/config/partition_type.h"

#include <array>
#include <string>

#include "common/base/strings.h"

namespace trident {
namespace {

struct TypeRow {
  PartitionType type;
  std::string_view name;
  std::string_view x86_64;
  std::string_view arm64;  // empty: the same
};

constexpr std::array<TypeRow, 11> kTypes = {{
    {PartitionType::kEsp, "esp", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", ""},
    {PartitionType::kRoot, "root", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
     "b921b045-1df0-41c3-af44-4c6f280d3fae"},
    {PartitionType::kSwap, "swap", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", ""},
    {PartitionType::kRootVerity, "root-verity", "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5",
     "df3300ce-d69f-4c92-978c-9bfb0f38d820"},
    {PartitionType::kHome, "home", "933ac7e1-2eb4-4f13-b844-0e14e2aef915", ""},
    {PartitionType::kVar, "var", "4d21b016-b534-45c2-a9fb-5c16e091fd2d", ""},
    {PartitionType::kUsr, "usr", "8484680c-9521-48c6-9c11-b0720656f69e",
     "b0e01050-ee5f-4390-949a-9101b17104e9"},
    {PartitionType::kUsrVerity, "usr-verity", "77ff5f63-e7b6-4633-acf4-1565b864c0e6",
     "6e11a4e7-fbca-4ded-b9e9-e1a512bb664e"},
    {PartitionType::kTmp, "tmp", "7ec6f557-3bc5-4aca-b293-16ef5df639d1", ""},
    {PartitionType::kLinuxGeneric, "linux-generic", "0fc63daf-8483-4772-8e79-3d69d8477de4", ""},
    {PartitionType::kSrv, "srv", "3b8f8425-20e0-4f3b-907f-1a25a76f98e8", ""},
}};

struct NamedGuid {
  std::string_view guid;
  std::string_view name;
};

// All that a table on disk may have. Names with an architecture are systemd's.
constexpr std::array<NamedGuid, 20> kGuids = {{
    {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "esp"},
    {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "xbootldr"},
    {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "swap"},
    {"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "home"},
    {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "var"},
    {"7ec6f557-3bc5-4aca-b293-16ef5df639d1", "tmp"},
    {"0fc63daf-8483-4772-8e79-3d69d8477de4", "linux-generic"},
    {"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "srv"},
    {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root-x86-64"},
    {"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "root-x86-64-verity"},
    {"41092b05-9fc8-4523-994f-2def0408b176", "root-x86-64-verity-sig"},
    {"8484680c-9521-48c6-9c11-b0720656f69e", "usr-x86-64"},
    {"77ff5f63-e7b6-4633-acf4-1565b864c0e6", "usr-x86-64-verity"},
    {"e7bb33fb-06cf-4e81-8273-e543b413e2e2", "usr-x86-64-verity-sig"},
    {"b921b045-1df0-41c3-af44-4c6f280d3fae", "root-arm64"},
    {"df3300ce-d69f-4c92-978c-9bfb0f38d820", "root-arm64-verity"},
    {"6db69de6-29f4-4758-a7a5-962190f00ce3", "root-arm64-verity-sig"},
    {"b0e01050-ee5f-4390-949a-9101b17104e9", "usr-arm64"},
    {"6e11a4e7-fbca-4ded-b9e9-e1a512bb664e", "usr-arm64-verity"},
    {"c23ce4ff-44bd-4b00-b2d4-b41b3419e02a", "usr-arm64-verity-sig"},
}};

const TypeRow& RowOf(PartitionType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row;
  }
  return kTypes[0];
}

}  // namespace

Architecture ThisArchitecture() {
#if defined(__aarch64__)
  return Architecture::kArm64;
#elif defined(__x86_64__)
  return Architecture::kX86_64;
#else
#error "Trident knows the partition types of x86-64 and arm64 only"
#endif
}

std::string_view PartitionTypeName(PartitionType type) { return RowOf(type).name; }

std::optional<PartitionType> PartitionTypeFromName(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    if (row.name == name) return row.type;
  }
  return std::nullopt;
}

std::string_view PartitionTypeGuid(PartitionType type, Architecture architecture) {
  const TypeRow& row = RowOf(type);
  return architecture == Architecture::kArm64 && !row.arm64.empty() ? row.arm64 : row.x86_64;
}

std::optional<std::string_view> PartitionTypeNameOfGuid(std::string_view guid) {
  const std::string lower = AsciiToLower(guid);
  for (const NamedGuid& row : kGuids) {
    if (row.guid == lower) return row.name;
  }
  return std::nullopt;
}

}  // namespace trident
