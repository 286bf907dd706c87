// Sizes as documents write them: "grow", "512M", 1073741824.
#ifndef TRIDENT_COMMON_CONFIG_PARTITION_SIZE_H_
#define TRIDENT_COMMON_CONFIG_PARTITION_SIZE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/config/host_configuration.h"

namespace trident {

// "grow", or digits with an optional unit K, M, G, T (powers of 1024, upper case), blanks around
// the whole and before the unit. INVALID_ARGUMENT says what is wrong, OUT_OF_RANGE that the size
// is more than 64 bits hold.
absl::StatusOr<PartitionSize> ParsePartitionSize(std::string_view text);

// "grow", or the largest unit that divides exactly: 1024 -> 1K, 1025 -> 1025, 0 -> 0.
std::string FormatPartitionSize(const PartitionSize& size);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_PARTITION_SIZE_H_
