#include "common/config/host_configuration.h"

namespace trident {

const std::string& DatastorePathOf(const HostConfiguration& configuration) {
  static const std::string default_path = kDefaultDatastorePath;
  const std::optional<std::string>& path = configuration.management.datastore_path;
  return path ? *path : default_path;
}

}  // namespace trident
