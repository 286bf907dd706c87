// SHA-256 of texts that are in memory. FIPS 180-4.
#ifndef TRIDENT_COMMON_BASE_SHA256_H_
#define TRIDENT_COMMON_BASE_SHA256_H_

#include <string>
#include <string_view>

namespace trident {

// 64 lower-case hex digits.
std::string Sha256Hex(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_SHA256_H_
