// The checksum of what is written of an image: XXH3-128. What is fetched has SHA-256.
#ifndef TRIDENT_AGENT_IMAGING_DIGESTS_H_
#define TRIDENT_AGENT_IMAGING_DIGESTS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/base/sha256.h"

namespace trident {

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
