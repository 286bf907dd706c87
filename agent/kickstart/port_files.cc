#include "agent/kickstart/port_files.h"

#include <filesystem>

namespace trident {

absl::StatusOr<std::string> PortFiles::Read(const std::string& path) const {
  // The port takes absolute paths only; people name files as they stand.
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return files_.Read(error ? path : absolute.string(), kickstart::kMostFileBytes);
}

}  // namespace trident
