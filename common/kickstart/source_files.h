// The files that a kickstart consists of.
#ifndef TRIDENT_COMMON_KICKSTART_SOURCE_FILES_H_
#define TRIDENT_COMMON_KICKSTART_SOURCE_FILES_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace trident::kickstart {

inline constexpr size_t kMostFileBytes = 4 << 20;

class SourceFiles {
 public:
  virtual ~SourceFiles() = default;

  // A whole regular file of at most kMostFileBytes. NOT_FOUND: there is none.
  virtual absl::StatusOr<std::string> Read(const std::string& path) const = 0;
};

// Those of this host.
class LocalFiles : public SourceFiles {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) const override;
};

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_SOURCE_FILES_H_
