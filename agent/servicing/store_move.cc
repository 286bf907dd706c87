#include "agent/servicing/store_move.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/lookup.h"
#include "common/config/path.h"

namespace trident {
namespace {

constexpr uint32_t kFolderMode = 0700;

// The part of `path` below the mount point.
std::string Inside(const std::string& path, const MountPoint* mount) {
  const std::string file = NormalizePath(path);
  return mount == nullptr || NormalizePath(mount->path) == "/"
             ? file
             : file.substr(NormalizePath(mount->path).size());
}

// The device is mounted at the same path in `configuration`. True of no mount point: a document
// without them leaves the file systems of the host as they are.
bool IsMountedAlike(const MountPoint* mount, const HostConfiguration& configuration) {
  if (mount == nullptr) return true;
  return std::any_of(configuration.storage.mount_points.begin(),
                     configuration.storage.mount_points.end(), [&](const MountPoint& other) {
                       return other.target_id == mount->target_id &&
                              NormalizePath(other.path) == NormalizePath(mount->path);
                     });
}

}  // namespace

StoreMove StoreMoveOf(const HostConfiguration& desired, const HostConfiguration& recorded) {
  const MountPoint* const before = FindMountOf(recorded, DatastorePathOf(recorded));
  const MountPoint* const after = FindMountOf(desired, DatastorePathOf(desired));
  const bool same_device =
      (before == nullptr ? "" : before->target_id) == (after == nullptr ? "" : after->target_id);
  if (same_device &&
      Inside(DatastorePathOf(recorded), before) == Inside(DatastorePathOf(desired), after)) {
    return StoreMove::kStays;
  }
  return IsMountedAlike(before, desired) && IsMountedAlike(after, recorded) &&
                 NormalizePath(DatastorePathOf(desired)) != NormalizePath(DatastorePathOf(recorded))
             ? StoreMove::kMoves
             : StoreMove::kOutOfReach;
}

absl::Status CheckStorePlace(const Host& host, const HostConfiguration& desired,
                             const HostConfiguration& recorded) {
  const std::string& path = DatastorePathOf(desired);
  if (host.files.Facts(path).ok()) {
    const auto there = host.files.Canonical(path);
    const auto store = host.files.Canonical(DatastorePathOf(recorded));
    if (!there.ok() || !store.ok() || *there != *store) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "store-place-taken",
                       absl::StrCat("the datastore cannot move to ", path, ": a file is there"),
                       "Remove the file, or choose another path.");
    }
  }
  const MountPoint* const mount = FindMountOf(desired, path);
  if (mount == nullptr) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<MountEntry> mounts, host.mounts.List());
  const bool mounted = std::any_of(mounts.begin(), mounts.end(), [&](const MountEntry& entry) {
    return NormalizePath(entry.target) == NormalizePath(mount->path);
  });
  if (mounted) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "precondition", "store-place-away",
      absl::StrCat("the datastore cannot move to ", path, ": nothing is mounted at ", mount->path),
      absl::StrCat("Mount ", mount->path, " and try again."));
}

absl::Status LinkStoreStep(const Host& host, const StepRun& run) {
  if (run.recorded == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "not-installed",
                     "the store of a host that is not installed cannot move");
  }
  // It may have changed since it was planned.
  TRIDENT_RETURN_IF_ERROR(CheckStorePlace(host, run.configuration, *run.recorded));
  const std::string& path = DatastorePathOf(run.configuration);
  TRIDENT_ASSIGN_OR_RETURN(const std::string store,
                           host.files.Canonical(DatastorePathOf(*run.recorded)));
  // Moved back to where it came from.
  if (NormalizePath(path) == store) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(host.files.MakeDirectories(FolderOf(path), kFolderMode));
  return host.files.MakeLink(store, path);
}

absl::Status MoveStoreStep(const StepRun& run) {
  const std::string& path = DatastorePathOf(run.configuration);
  if (const absl::Status moved = run.move_store(path); !moved.ok()) {
    run.reporter.Warning(absl::StrCat("the datastore stays where it was, and ", path,
                                      " is a link to it: ", moved.message()));
  }
  run.status.management.datastore_path = path;
  return absl::OkStatus();
}

std::string FirstMissing(const Files& files, const std::string& path) {
  std::string missing = path;
  for (std::string folder = FolderOf(path); folder != "/" && !files.Exists(folder);
       folder = FolderOf(folder)) {
    missing = folder;
  }
  return missing;
}

}  // namespace trident
