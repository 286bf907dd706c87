#include "common/base/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>

#include "common/base/strings.h"

namespace trident {
namespace {

// SHA-256 of OpenSSL's default provider fails only when memory is exhausted or the library is
// broken; a digest that might be wrong must never be compared.
void Require(bool ok) {
  if (!ok) std::abort();
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
  std::string hex;
  for (const uint8_t byte : std::span<const uint8_t>(digest.data(), length)) hex += HexByte(byte);
  return hex;
}

std::string Sha256Hex(std::string_view text) {
  Sha256 sha256;
  sha256.Update({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return sha256.Hex();
}

}  // namespace trident
