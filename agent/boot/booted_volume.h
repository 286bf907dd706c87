// Which volume the running system uses.
#ifndef TRIDENT_AGENT_BOOT_BOOTED_VOLUME_H_
#define TRIDENT_AGENT_BOOT_BOOTED_VOLUME_H_

#include "absl/status/statusor.h"
#include "agent/host/files.h"
#include "agent/host/machine.h"
#include "common/config/host_configuration.h"
#include "common/status/host_status.h"

namespace trident {

enum class BootedVolume { kA, kB, kNeither };

// Compares the device that holds the running "/" with the recorded one: with each half when "/" is
// on a volume pair, else with the only one, which then counts as A. A ramdisk is kNeither.
// FAILED_PRECONDITION when neither the configuration nor the status records where "/" is.
absl::StatusOr<BootedVolume> FindBootedVolume(const Files& files, const Machine& machine,
                                              const HostConfiguration& configuration,
                                              const HostStatus& status);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_BOOTED_VOLUME_H_
