// SHA-256. FIPS 180-4.
#ifndef TRIDENT_COMMON_BASE_SHA256_H_
#define TRIDENT_COMMON_BASE_SHA256_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace trident {

// Running SHA-256. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Reset();
  void Update(std::span<const uint8_t> data);
  // 64 lower-case hex digits of everything since Reset. Does not disturb the running digest.
  std::string Hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Of a text: 64 lower-case hex digits.
std::string Sha256Hex(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_SHA256_H_
