#include "agent/servicing/observer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/datastore/peek.h"
#include "agent/hooks/script_runner.h"
#include "agent/network/netplan.h"
#include "agent/osconfig/settings.h"
#include "agent/servicing/planner.h"
#include "agent/servicing/store_move.h"
#include "agent/storage/recovery_key.h"
#include "common/base/error.h"
#include "common/config/document.h"
#include "common/config/lookup.h"

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

// A device that may hold the store of an installation.
struct Candidate {
  std::string path;
  std::string filesystem;
};

// Unused devices with the label that `id` would have: partitions, or arrays all of whose members
// are labelled as the document's.
std::vector<Candidate> CandidatesFor(const Host& host, const HostConfiguration& desired,
                                     const Observation& observed, const BlockDeviceId& id) {
  std::map<std::string, std::string> labels;  // by kernel device
  std::vector<Candidate> candidates;
  for (const auto& [disk_id, disk] : observed.disks) {
    if (!disk.ok()) continue;
    for (const ObservedPartition& partition : disk->partitions) {
      labels[partition.path] = partition.entry.name;
      if (partition.entry.name == id && partition.users.empty()) {
        candidates.push_back({partition.path, partition.signature.type});
      }
    }
  }
  const SoftwareRaidArray* wanted = FindArray(desired, id);
  if (wanted == nullptr || !observed.arrays.ok()) return candidates;
  for (const ObservedArray& array : *observed.arrays) {
    const bool same =
        array.users.empty() && !array.members.empty() &&
        std::all_of(array.members.begin(), array.members.end(), [&](const ArrayMember& member) {
          const auto& devices = wanted->devices;
          return std::find(devices.begin(), devices.end(), labels[member.path]) != devices.end();
        });
    if (!same) continue;
    const absl::StatusOr<Signature> signature = host.devices.Probe(array.path);
    if (signature.ok()) candidates.push_back({array.path, signature->type});
  }
  return candidates;
}

// The store of an installation with this document's layout, if the disks hold one. Mounted
// read-only, for a moment.
absl::StatusOr<std::optional<FoundInstallation>> FindInstallation(const Host& host,
                                                                  const HostConfiguration& desired,
                                                                  const Observation& observed) {
  const std::string& store = DatastorePathOf(desired);
  const MountPoint* const holder = FindMountOf(desired, store);
  if (holder == nullptr) return std::nullopt;
  for (const Candidate& candidate : CandidatesFor(host, desired, observed, holder->target_id)) {
    if (candidate.filesystem != holder->filesystem) continue;
    TRIDENT_RETURN_IF_ERROR(host.files.MakeDirectories(kPeekFolder, 0700));
    // A journal that was left behind by a power cut is not replayed by looking.
    std::vector<std::string> options = {"ro"};
    if (holder->filesystem == "ext4") options.push_back("noload");
    if (holder->filesystem == "xfs") options.push_back("norecovery");
    if (!host.mounts.Mount(candidate.path, kPeekFolder, holder->filesystem, options).ok()) continue;
    const std::string inside = holder->path == "/" ? store : store.substr(holder->path.size());
    const absl::StatusOr<PeekedStore> found = PeekStore(absl::StrCat(kPeekFolder, inside));
    TRIDENT_RETURN_IF_ERROR(Annotate(host.mounts.Unmount(kPeekFolder), "end the look at a disk"));
    // No store there, or one that nobody could use: no installation.
    if (!found.ok()) continue;
    FoundInstallation installation;
    installation.store_path = absl::StrCat(candidate.path, ":", inside);
    if (found->newest_job) {
      installation.configuration_digest = found->newest_job->configuration_digest;
      installation.job_state = found->newest_job->state;
    }
    if (!found->configuration_digest.empty()) {
      installation.configuration_digest = found->configuration_digest;
    }
    return installation;
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
  observed.has_netplan = HasNetplan(host.files, "/");
  for (const Disk& disk : desired.storage.disks) {
    observed.disks.emplace(disk.id, host.devices.Observe(disk.device));
  }
  observed.arrays = host.devices.Arrays();
  if (desired.storage.encryption && !recorded.configuration) {
    observed.has_tpm2 = host.encryption.HasTpm2();
    for (const EncryptedVolume& volume : desired.storage.encryption->volumes) {
      if (host.encryption.IsActive(volume.device_name)) {
        observed.open_volumes.insert(volume.device_name);
      }
    }
    if (desired.storage.encryption->recovery_key_url) {
      // Only whether it can be had: the key itself is read when it is used.
      observed.recovery_key =
          ReadRecoveryKey(host.files, *desired.storage.encryption->recovery_key_url).status();
    }
  }
  for (const ScriptStage stage :
       {ScriptStage::kPreServicing, ScriptStage::kPostProvision, ScriptStage::kPostConfigure}) {
    const std::vector<Script>& scripts = ScriptsOf(desired.scripts, stage);
    for (size_t i = 0; i < scripts.size(); ++i) {
      const absl::Status readable = CheckScriptFile(host.files, scripts[i]);
      if (readable.ok()) continue;
      observed.unreadable_files[absl::StrCat("scripts.", ScriptPlace(stage, i), ".path")] =
          readable;
    }
  }
  for (size_t i = 0; i < desired.osconfig.additional_files.size(); ++i) {
    const absl::Status readable = CheckSourceFile(host.files, desired.osconfig.additional_files[i]);
    if (readable.ok()) continue;
    observed.unreadable_files[absl::StrCat("osconfig.additionalFiles[", i, "].source")] = readable;
  }
  if (recorded.configuration) {
    observed.booted =
        FindBootedVolume(host.files, host.machine, *recorded.configuration, recorded.status);
    if (StoreMoveOf(desired, *recorded.configuration) == StoreMove::kMoves) {
      observed.store_place = CheckStorePlace(host, desired, *recorded.configuration);
    }
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
