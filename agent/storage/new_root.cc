#include "agent/storage/new_root.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/path.h"

namespace trident {
namespace {

// The stack of mounts at one place is not higher than this, or something mounts against us.
constexpr size_t kMostUnmounts = 1000;

// Options that count while the new root is being written. The others are for the installed host.
// What is adopted is written only if the installed host writes it, too.
std::vector<std::string> StagingOptions(const MountTarget& target) {
  const bool keep_ro = target.adopted || target.read_only;
  std::vector<std::string> kept;
  for (const std::string& option : target.options) {
    if (option.empty() || (option == "ro" && !keep_ro) || option == "noauto" ||
        option == "nofail" || option.starts_with("x-")) {
      continue;
    }
    kept.push_back(option);
  }
  return kept;
}

}  // namespace

NewRoot::NewRoot(Files& files, Mounts& mounts, std::vector<MountTarget> targets, std::string path,
                 std::vector<OverlayTarget> overlays)
    : files_(files),
      mounts_(mounts),
      targets_(std::move(targets)),
      path_(std::move(path)),
      overlays_(std::move(overlays)) {}

std::vector<NewRoot::Wanted> NewRoot::AllWanted() const {
  std::vector<Wanted> all;
  for (const MountTarget& target : targets_) {
    if (!target.path.starts_with("/")) continue;
    all.push_back({target.path, target.device, target.filesystem, StagingOptions(target), 0755});
  }
  for (const OverlayTarget& overlay : overlays_) {
    if (!overlay.persistent) continue;
    all.push_back({overlay.path, "overlay", "overlay", OverlayOptions(overlay, path_), 0755});
  }
  static const Wanted kSystem[] = {
      {"/dev", "devtmpfs", "devtmpfs", {"nosuid"}, 0755},
      {"/proc", "proc", "proc", {"nosuid", "nodev", "noexec"}, 0755},
      {"/sys", "sysfs", "sysfs", {"ro", "nosuid", "nodev", "noexec"}, 0755},
      {"/run", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=0755"}, 0755},
      {"/tmp", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=1777"}, 01777},
  };
  for (const Wanted& system : kSystem) {
    // The document has its own idea of that place.
    const bool taken = std::any_of(all.begin(), all.end(),
                                   [&](const Wanted& one) { return one.path == system.path; });
    if (!taken) all.push_back(system);
  }
  // A parent's path is a prefix of its children's, hence sorts before them. Overlays, and what is
  // mounted on them, come when all that keeps their changes is there.
  const auto is_late = [this](const Wanted& one) {
    return std::any_of(overlays_.begin(), overlays_.end(), [&](const OverlayTarget& overlay) {
      return IsAtOrBelow(one.path, overlay.path);
    });
  };
  std::stable_sort(all.begin(), all.end(), [&](const Wanted& a, const Wanted& b) {
    return std::make_pair(is_late(a), a.path) < std::make_pair(is_late(b), b.path);
  });
  return all;
}

absl::StatusOr<std::vector<MountEntry>> NewRoot::MountedHere() const {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<MountEntry> entries, mounts_.List());
  // mountinfo shows the place itself, not the links on the way to it.
  const std::string folder = files_.Canonical(path_).value_or(path_);
  std::vector<MountEntry> here;
  for (const MountEntry& entry : entries) {
    if (IsAtOrBelow(entry.target, folder)) here.push_back(entry);
  }
  return here;
}

absl::Status NewRoot::EnsureMounted() {
  if (std::none_of(targets_.begin(), targets_.end(),
                   [](const MountTarget& target) { return target.path == "/"; })) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "no-root",
                     "the new root cannot be mounted: no mount point has the path \"/\"",
                     "add a mount point for \"/\" to storage.mountPoints");
  }
  absl::Status mounted = MountAll();
  if (mounted.ok()) return mounted;
  if (const absl::Status cleaned = UnmountAll(); !cleaned.ok()) {
    ErrorDetail detail = GetErrorDetail(mounted);
    detail.causes.push_back(
        absl::StrCat("and what was mounted before could not be unmounted: ", cleaned.message()));
    return MakeError(mounted.code(), std::move(detail));
  }
  return mounted;
}

absl::Status NewRoot::MountAll() {
  TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(path_, 0700));
  const std::vector<Wanted> all = AllWanted();
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<MountEntry> here, MountedHere());
  const auto source_of = [this](const std::string& source) {
    return source.starts_with("/") ? files_.Canonical(source).value_or(source) : source;
  };
  // What is there must be the beginning of what we want, in order: then the rest is added.
  bool fits = here.size() <= all.size();
  for (size_t i = 0; fits && i < here.size(); ++i) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string place, ResolveBelow(files_, path_, all[i].path));
    fits = here[i].target == files_.Canonical(place).value_or(place) &&
           source_of(here[i].source) == source_of(all[i].source);
  }
  size_t done = here.size();
  if (!fits) {
    TRIDENT_RETURN_IF_ERROR(UnmountAll());
    done = 0;
  }
  for (; done < all.size(); ++done) TRIDENT_RETURN_IF_ERROR(MountOne(all[done]));
  return absl::OkStatus();
}

absl::Status NewRoot::MountOne(const Wanted& wanted) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string place, ResolveBelow(files_, path_, wanted.path));
  if (!files_.IsDirectory(place)) {
    TRIDENT_RETURN_IF_ERROR(Annotate(files_.MakeDirectories(place, wanted.mode),
                                     "cannot make the mount point " + wanted.path));
  }
  return Annotate(mounts_.Mount(wanted.source, place, wanted.filesystem, wanted.options),
                  absl::StrCat("cannot mount ", wanted.path, " of the new root"));
}

absl::Status NewRoot::UnmountAll() {
  for (size_t i = 0; i < kMostUnmounts; ++i) {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<MountEntry> here, MountedHere());
    if (here.empty()) return absl::OkStatus();
    // Read anew each time: a mount may lie on another at the same place.
    TRIDENT_RETURN_IF_ERROR(mounts_.Unmount(here.back().target));
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "mount-busy",
                   absl::StrCat("mounts keep appearing below ", path_));
}

}  // namespace trident
