#include "agent/host/secret.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

absl::Status SecretError(int error_number, const std::string& attempt) {
  return ErrnoError(error_number, "environment", "secret", attempt);
}

}  // namespace

absl::StatusOr<Secret> Secret::OfSize(size_t size) {
  Secret secret;
  if (size == 0) return secret;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const std::string attempt = absl::StrCat("cannot hold a key of ", size, " bytes in memory");
  if (size > std::numeric_limits<size_t>::max() - page) return SecretError(ENOMEM, attempt);
  const size_t mapped = (size + page - 1) / page * page;
  void* const data =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return SecretError(errno, attempt);
  secret.data_ = static_cast<uint8_t*>(data);
  secret.size_ = size;
  secret.mapped_ = mapped;
  if (madvise(data, mapped, MADV_DONTDUMP) != 0 || madvise(data, mapped, MADV_DONTFORK) != 0) {
    return SecretError(errno, attempt);
  }
  // Not permitted to lock so much: it then depends on the swap, which may be encrypted itself.
  [[maybe_unused]] const int locked = mlock(data, mapped);
  return secret;
}

absl::StatusOr<Secret> Secret::Random(size_t size) {
  TRIDENT_ASSIGN_OR_RETURN(Secret secret, OfSize(size));
  for (size_t done = 0; done < size;) {
    const ssize_t count = getrandom(secret.data_ + done, size - done, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SecretError(errno, "cannot get random bytes from the kernel");
    done += static_cast<size_t>(count);
  }
  return secret;
}

absl::StatusOr<Secret> Secret::CopyOf(std::string_view bytes) {
  TRIDENT_ASSIGN_OR_RETURN(Secret secret, OfSize(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), secret.data_);
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapped_ = std::exchange(other.mapped_, 0);
  }
  return *this;
}

Secret::~Secret() { Release(); }

void Secret::Truncate(size_t size) {
  if (size >= size_) return;
  explicit_bzero(data_ + size, size_ - size);
  size_ = size;
}

void Secret::Release() {
  if (data_ == nullptr) return;
  explicit_bzero(data_, mapped_);
  munmap(data_, mapped_);
  data_ = nullptr;
  size_ = 0;
  mapped_ = 0;
}

}  // namespace trident
