// UEFI boot variables. UEFI Specification 2.10, sections 3.1 (boot manager) and 3.3 (variables).
#ifndef TRIDENT_AGENT_HOST_FIRMWARE_H_
#define TRIDENT_AGENT_HOST_FIRMWARE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

// A Boot#### variable that starts a file of a GPT partition.
struct BootEntry {
  uint16_t number = 0;  // the #### part
  std::string label;
  bool active = true;
  // Of the partition that holds the loader; empty for entries of another kind (network, shell).
  std::string partition_uuid;  // lower case
  std::string loader;          // \EFI\BOOT\BOOTX64.EFI

  bool operator==(const BootEntry&) const = default;
};

// Where a new entry shall point.
struct BootTarget {
  std::string partition_uuid;
  uint32_t partition_number = 0;
  uint64_t partition_start = 0;  // in sectors of the disk
  uint64_t partition_size = 0;   // in sectors
  std::string loader;
};

// Variables by which the system talks to systemd-boot. The Boot Loader Interface of systemd:
// LoaderEntryOneShot counts once and before LoaderEntryDefault, which counts before loader.conf.
enum class LoaderChoice { kOneShot, kDefault };

// Error kind "boot".
class Firmware {
 public:
  virtual ~Firmware() = default;

  // UEFI variables can be read and written here.
  virtual bool Available() const = 0;
  virtual absl::StatusOr<std::vector<BootEntry>> Entries() const = 0;
  virtual absl::StatusOr<std::vector<uint16_t>> Order() const = 0;
  virtual absl::Status SetOrder(const std::vector<uint16_t>& order) = 0;
  // Not there: nullopt.
  virtual absl::StatusOr<std::optional<uint16_t>> Next() const = 0;
  virtual absl::Status SetNext(uint16_t number) = 0;
  virtual absl::Status ClearNext() = 0;
  virtual absl::StatusOr<std::optional<uint16_t>> Current() const = 0;
  // Creates Boot#### with the lowest free number, or rewrites the entry `number`. Gives the number.
  virtual absl::StatusOr<uint16_t> WriteEntry(std::optional<uint16_t> number,
                                              const std::string& label,
                                              const BootTarget& target) = 0;
  virtual absl::Status DeleteEntry(uint16_t number) = 0;

  // Which entry of its menu systemd-boot starts: the id that was set, empty when none is.
  virtual absl::StatusOr<std::string> LoaderEntry(LoaderChoice choice) const = 0;
  // An empty id removes the choice.
  virtual absl::Status SetLoaderEntry(LoaderChoice choice, const std::string& id) = 0;
};

std::unique_ptr<Firmware> MakeLinuxFirmware();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FIRMWARE_H_
