#include "agent/servicing/observer.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/datastore/peek.h"
#include "agent/servicing/planner.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident {
namespace {

constexpr char kSafetyOverride[] = "/override-trident-safety-check";
constexpr char kPeekFolder[] = "/run/trident/peek";

bool BootedFromRamdisk(const Machine& machine) {
  const absl::StatusOr<std::string> line = machine.KernelCommandLine();
  if (!line.ok()) return false;
  for (const absl::string_view word : absl::StrSplit(*line, ' ', absl::SkipEmpty())) {
    if (word == "root=/dev/ram0") return true;
  }
  return false;
}

// The store of an installation with this document's layout, if the disks hold one: its partition is
// known by its label. Mounted read-only, for a moment.
absl::StatusOr<std::optional<FoundInstallation>> FindInstallation(const Host& host,
                                                                  const HostConfiguration& desired,
                                                                  const Observation& observed) {
  const std::string& store = DatastorePathOf(desired);
  const MountPoint* holder = nullptr;
  for (const MountPoint& mount : desired.storage.mount_points) {
    const bool below = mount.path == "/" || absl::StartsWith(store, mount.path + "/");
    if (below && (holder == nullptr || mount.path.size() > holder->path.size())) holder = &mount;
  }
  if (holder == nullptr) return std::nullopt;
  for (const auto& [id, disk] : observed.disks) {
    if (!disk.ok()) continue;
    for (const ObservedPartition& partition : disk->partitions) {
      if (partition.entry.name != holder->target_id || !partition.users.empty() ||
          partition.signature.type != holder->filesystem) {
        continue;
      }
      TRIDENT_RETURN_IF_ERROR(host.files.MakeDirectories(kPeekFolder, 0700));
      // noload: a journal that was left behind by a power cut is not replayed by looking.
      std::vector<std::string> options = {"ro"};
      if (holder->filesystem == "ext4") options.push_back("noload");
      if (!host.mounts.Mount(partition.path, kPeekFolder, holder->filesystem, options).ok())
        continue;
      const std::string inside = holder->path == "/" ? store : store.substr(holder->path.size());
      const absl::StatusOr<PeekedStore> found = PeekStore(absl::StrCat(kPeekFolder, inside));
      TRIDENT_RETURN_IF_ERROR(Annotate(host.mounts.Unmount(kPeekFolder), "end the look at a disk"));
      // No store there, or one that nobody could use: no installation.
      if (!found.ok()) continue;
      FoundInstallation installation;
      installation.store_path = absl::StrCat(partition.path, ":", inside);
      if (found->newest_job) {
        installation.configuration_digest = found->newest_job->configuration_digest;
        installation.job_state = found->newest_job->state;
      }
      if (!found->configuration_digest.empty()) {
        installation.configuration_digest = found->configuration_digest;
      }
      return installation;
    }
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Observation> ObserveMachine(const Host& host, ImageProber& prober,
                                           const HostConfiguration& desired,
                                           const Recorded& recorded,
                                           const Cancellation& cancellation) {
  Observation observed;
  observed.is_root = host.machine.IsRoot();
  if (observed.is_root) {
    // A look that was interrupted would make its disk count as in use.
    TRIDENT_RETURN_IF_ERROR(
        Annotate(host.mounts.Unmount(kPeekFolder), "end an earlier look at a disk"));
  }
  observed.booted_from_ramdisk = BootedFromRamdisk(host.machine);
  observed.safety_check_overridden = host.files.Exists(kSafetyOverride);
  observed.firmware_available = host.firmware.Available();
  observed.has_watchdog = host.machine.HasWatchdog();
  for (const Disk& disk : desired.storage.disks) {
    observed.disks.emplace(disk.id, host.devices.Observe(disk.device));
  }
  if (recorded.configuration) {
    observed.booted =
        FindBootedVolume(host.files, host.machine, *recorded.configuration, recorded.status);
  } else if (observed.is_root && recorded.status.reconcile_state != ReconcileState::kCleanInstall) {
    // Not while a job installs: a look would hold the partition that it is about to format.
    TRIDENT_ASSIGN_OR_RETURN(observed.found_installation,
                             FindInstallation(host, desired, observed));
  }
  for (const size_t index : ImagesToProbe(desired, recorded)) {
    if (cancellation.cancelled()) {
      return MakeError(absl::StatusCode::kCancelled, "cancelled", "cancelled",
                       "planning was cancelled");
    }
    observed.images.emplace(index, prober.Probe(desired.storage.images[index], cancellation));
  }
  return observed;
}

}  // namespace trident
