// The files of a volume by which its boot loader and its kernel find the root.
#ifndef TRIDENT_AGENT_BOOT_CONFIG_FILES_H_
#define TRIDENT_AGENT_BOOT_CONFIG_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/boot/loader.h"
#include "agent/host/files.h"

namespace trident {

struct BootConfigFile {
  enum class Kind {
    kGrubStub,         // on the ESP: the first that GRUB reads
    kGrubConfig,       // below the root
    kGrubEnvironment,  // a block of fixed size
    kLoaderEntry,
    kKernelCommandLine,  // what the next installed kernel gets
    kGrubDefaults,       // what the next grub-mkconfig writes
  };
  Kind kind = Kind::kGrubConfig;
  // Resolved: no symbolic link on the way leads out of the root.
  std::string path;
  // For messages: as a person of the target system would say it.
  std::string name;
};

// Those that are there, in the order in which they take effect at a start, each once.
// FAILED_PRECONDITION when those that `loader` needs are not there.
absl::StatusOr<std::vector<BootConfigFile>> FindBootConfigFiles(const Files& files,
                                                                const Loader& loader,
                                                                const std::string& esp,
                                                                const std::string& root);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_CONFIG_FILES_H_
