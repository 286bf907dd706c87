#include "agent/host/encryption.h"

#include <algorithm>

namespace trident {
namespace {

constexpr uint64_t kMostMemory = 128 << 20;
constexpr uint64_t kLeastMemory = 32 << 10;

}  // namespace

bool HasTpm2Token(const LuksHeader& header) {
  return std::any_of(header.tokens.begin(), header.tokens.end(), [](const LuksToken& token) {
    return token.type == kTpm2TokenType && !token.key_slots.empty();
  });
}

uint64_t KeyDerivationMemory(uint64_t available) {
  return std::clamp(available / 2, kLeastMemory, kMostMemory);
}

}  // namespace trident
