// Partition types: their names in documents and their GPT type GUIDs.
//
// GUIDs: UAPI Group, Discoverable Partitions Specification.
#ifndef TRIDENT_COMMON_CONFIG_PARTITION_TYPE_H_
#define TRIDENT_COMMON_CONFIG_PARTITION_TYPE_H_

#include <optional>
#include <string_view>

namespace trident {

enum class PartitionType {
  kEsp,
  kRoot,
  kSwap,
  kRootVerity,
  kHome,
  kVar,
  kUsr,
  kUsrVerity,
  kTmp,
  kLinuxGeneric,
  kSrv,
};

enum class Architecture { kX86_64, kArm64 };

// The architecture that this program was compiled for.
Architecture ThisArchitecture();

// "root-verity"
std::string_view PartitionTypeName(PartitionType type);
std::optional<PartitionType> PartitionTypeFromName(std::string_view name);

// Lower-case GUID text.
std::string_view PartitionTypeGuid(PartitionType type, Architecture architecture);

// The systemd name of any type GUID that we know, also of those that a document cannot name
// (xbootldr, root-arm64-verity-sig, ...); any case. nullopt: unknown.
std::optional<std::string_view> PartitionTypeNameOfGuid(std::string_view guid);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_PARTITION_TYPE_H_
