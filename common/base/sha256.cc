#include "common/base/sha256.h"

#include <openssl/sha.h>

#include <array>

#include "common/base/strings.h"

namespace trident {

std::string Sha256Hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += HexByte(byte);
  return hex;
}

}  // namespace trident
