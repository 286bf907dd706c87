// Bytes that nobody else may see: keys.
#ifndef TRIDENT_AGENT_HOST_SECRET_H_
#define TRIDENT_AGENT_HOST_SECRET_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace trident {

// Lives in pages of its own that no core dump holds (MADV_DONTDUMP), that no child gets
// (MADV_DONTFORK) and that are not swapped out where the limit of locked memory permits (mlock(2)).
// Wiped before they go back. Moves, but is never copied, printed or compared by accident.
class Secret {
 public:
  // No bytes.
  Secret() = default;
  // `size` zero bytes. RESOURCE_EXHAUSTED, kind "environment", when there is no memory.
  static absl::StatusOr<Secret> OfSize(size_t size);
  // `size` bytes of getrandom(2), which waits until the kernel's generator is seeded.
  static absl::StatusOr<Secret> Random(size_t size);
  // A copy. The original stays where it is: only for what is no secret yet, as in tests.
  static absl::StatusOr<Secret> CopyOf(std::string_view bytes);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<uint8_t> bytes() { return {data_, size_}; }
  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  // For interfaces in C.
  const char* chars() const { return reinterpret_cast<const char*>(data_); }

  // Keeps the first `size` bytes and wipes the others. Does nothing when there are fewer.
  void Truncate(size_t size);

 private:
  void Release();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t mapped_ = 0;  // bytes of the mapping, whole pages
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_SECRET_H_
