// One agent per store.
#ifndef TRIDENT_AGENT_DATASTORE_STORE_LOCK_H_
#define TRIDENT_AGENT_DATASTORE_STORE_LOCK_H_

#include <string>

#include "absl/status/statusor.h"

namespace trident {

// Holds `<store>.lock` (flock) from Acquire to destruction; the kernel lets go of it when the
// process dies. The file stays, with the holder's process id in it.
class StoreLock {
 public:
  // FAILED_PRECONDITION, kind "datastore", subkind "locked": another agent holds it (its process id
  // is named).
  static absl::StatusOr<StoreLock> Acquire(const std::string& store_path);

  StoreLock(StoreLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  StoreLock& operator=(StoreLock&& other) noexcept;
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_DATASTORE_STORE_LOCK_H_
