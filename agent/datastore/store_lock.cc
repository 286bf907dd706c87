#include "agent/datastore/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {

absl::StatusOr<StoreLock> StoreLock::Acquire(const std::string& store_path) {
  const std::string path = store_path + ".lock";
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    return ErrnoError(errno, "datastore", "lock", absl::StrCat("open the lock file ", path));
  }
  StoreLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error != EWOULDBLOCK) {
      return ErrnoError(error, "datastore", "lock", absl::StrCat("lock ", path));
    }
    char text[32] = {};
    const ssize_t length = pread(descriptor, text, sizeof(text) - 1, 0);
    std::string holder(text, length > 0 ? static_cast<size_t>(length) : 0);
    absl::StripAsciiWhitespace(&holder);
    return MakeError(absl::StatusCode::kFailedPrecondition, "datastore", "locked",
                     absl::StrCat("The store ", store_path, " is in use by another agent",
                                  holder.empty() ? "" : absl::StrCat(", process ", holder), "."),
                     "Use that agent, stop it, or name another store with --datastore.");
  }
  const std::string text = absl::StrCat(getpid(), "\n");
  // For people only, so that a full disk must not stop the agent here.
  if (ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const ssize_t written = pwrite(descriptor, text.data(), text.size(), 0);
  }
  return lock;
}

StoreLock& StoreLock::operator=(StoreLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

StoreLock::~StoreLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace trident
