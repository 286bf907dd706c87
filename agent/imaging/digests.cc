#include "agent/imaging/digests.h"

#include <xxhash.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace trident {
namespace {

// Fails only when memory is exhausted; a digest that might be wrong must never be compared.
void Require(bool ok) {
  if (!ok) std::abort();
}

std::string ToHex(std::span<const uint8_t> bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

struct ContentChecksum::State {
  State() : state(XXH3_createState()) { Require(state != nullptr); }
  ~State() { XXH3_freeState(state); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  XXH3_state_t* state;
};

ContentChecksum::ContentChecksum() : state_(std::make_unique<State>()) { Reset(); }
ContentChecksum::~ContentChecksum() = default;

void ContentChecksum::Reset() { XXH3_128bits_reset(state_->state); }

void ContentChecksum::Update(std::span<const uint8_t> data) {
  XXH3_128bits_update(state_->state, data.data(), data.size());
}

std::string ContentChecksum::Hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->state));
  return ToHex(std::span<const uint8_t>(canonical.digest, sizeof canonical.digest));
}

}  // namespace trident
