// The two digests of an image: SHA-256 of what is fetched, XXH3-128 of what is written.
#ifndef TRIDENT_AGENT_IMAGING_DIGESTS_H_
#define TRIDENT_AGENT_IMAGING_DIGESTS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

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

// Running XXH3-128: guards against what a medium does, not against people. One thread at a time.
class ContentChecksum {
 public:
  ContentChecksum();
  ~ContentChecksum();
  ContentChecksum(const ContentChecksum&) = delete;
  ContentChecksum& operator=(const ContentChecksum&) = delete;

  void Reset();
  void Update(std::span<const uint8_t> data);
  // 32 lower-case hex digits in the canonical (big endian) order, as xxhsum -H128 prints it.
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_DIGESTS_H_
