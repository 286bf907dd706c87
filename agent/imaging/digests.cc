#include "agent/imaging/digests.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace trident {
namespace {

// SHA-256 of OpenSSL's default provider fails only when memory is exhausted or the library is
// broken; a digest that might be wrong must never be compared.
void Require(bool ok) {
  if (!ok) std::abort();
}

std::string ToHex(std::span<const uint8_t> bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

struct Sha256::Context {
  Context() : context(EVP_MD_CTX_new()), scratch(EVP_MD_CTX_new()) {
    Require(context != nullptr && scratch != nullptr);
  }
  ~Context() {
    EVP_MD_CTX_free(context);
    EVP_MD_CTX_free(scratch);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* context;
  EVP_MD_CTX* scratch;  // where Hex() finishes a copy
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { Reset(); }
Sha256::~Sha256() = default;

void Sha256::Reset() { Require(EVP_DigestInit_ex(context_->context, EVP_sha256(), nullptr) == 1); }

void Sha256::Update(std::span<const uint8_t> data) {
  Require(EVP_DigestUpdate(context_->context, data.data(), data.size()) == 1);
}

std::string Sha256::Hex() const {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  Require(EVP_MD_CTX_copy_ex(context_->scratch, context_->context) == 1);
  Require(EVP_DigestFinal_ex(context_->scratch, digest.data(), &length) == 1);
  return ToHex(std::span<const uint8_t>(digest.data(), length));
}

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
