// Facts about the machine that a plan depends on. Desired, recorded and observed are separate
// things.
#ifndef TRIDENT_AGENT_SERVICING_OBSERVATION_H_
#define TRIDENT_AGENT_SERVICING_OBSERVATION_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/boot/booted_volume.h"
#include "agent/host/block_devices.h"
#include "agent/imaging/image_probe.h"
#include "agent/servicing/servicer.h"
#include "common/config/host_configuration.h"

namespace trident {

// An installation that was found on a disk which is about to be overwritten.
struct FoundInstallation {
  std::string store_path;  // device and path, for messages
  std::string configuration_digest;
  std::string job_state;
};

struct Observation {
  bool is_root = false;
  bool booted_from_ramdisk = false;  // root=/dev/ram0
  bool safety_check_overridden = false;
  bool firmware_available = false;
  bool has_watchdog = false;
  bool has_netplan = false;
  // By disk id; what could not be observed says why.
  std::map<BlockDeviceId, absl::StatusOr<ObservedDisk>> disks;
  absl::StatusOr<std::vector<ObservedArray>> arrays = std::vector<ObservedArray>();
  // By index in storage.images; only images that may have to be written.
  std::map<size_t, absl::StatusOr<ImageFacts>> images;
  // Of a document with encryption, at an installation.
  bool has_tpm2 = false;
  absl::Status recovery_key;           // that of the document can be used
  std::set<std::string> open_volumes;  // names of the document's that are taken below /dev/mapper
  // Of this agent's configuration: passwords in documents, and logins with them.
  bool dangerous_options = false;
  // Files of this host that the document refers to, by the path of the field: what cannot be read.
  std::map<std::string, absl::Status> unreadable_files;
  // Whether the datastore can come to where the document wants it.
  absl::Status store_place;
  // Of the recorded host.
  std::optional<absl::StatusOr<BootedVolume>> booted;
  std::optional<FoundInstallation> found_installation;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_OBSERVATION_H_
