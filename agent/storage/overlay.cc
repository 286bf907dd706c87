#include "agent/storage/overlay.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/path.h"

namespace trident {
namespace {

constexpr char kFolder[] = "trident-overlays";
constexpr char kOverlay[] = "overlay";

const MountPoint* MountOf(const Storage& storage, const BlockDeviceId& id) {
  for (const MountPoint& mount : storage.mount_points) {
    if (mount.target_id == id) return &mount;
  }
  return nullptr;
}

}  // namespace

std::vector<OverlayTarget> OverlayTargets(const HostConfiguration& configuration, Volume volume) {
  std::vector<OverlayTarget> targets;
  for (const Overlay& overlay : configuration.storage.overlays) {
    OverlayTarget target;
    target.path = NormalizePath(overlay.path);
    target.persistent = overlay.persistent;
    // Only a root that cannot be written has an overlay there: fstab and units are in it.
    target.in_initrd = target.path == "/etc";
    if (const MountPoint* mount =
            overlay.target_id ? MountOf(configuration.storage, *overlay.target_id) : nullptr) {
      target.mount_path = NormalizePath(mount->path);
      target.folder =
          absl::StrCat(target.mount_path, "/", kFolder, "/", std::string(VolumeName(volume)));
    } else {
      target.mount_path = kVolatileOverlays;
      target.folder = kVolatileOverlays;
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

std::vector<std::string> OverlayOptions(const OverlayTarget& overlay, const std::string& root) {
  return {absl::StrCat("lowerdir=", root, overlay.path),
          absl::StrCat("upperdir=", root, overlay.Upper()),
          absl::StrCat("workdir=", root, overlay.Work())};
}

std::vector<MountTarget> OverlayFstab(const std::vector<OverlayTarget>& overlays) {
  std::vector<MountTarget> targets;
  const auto add = [&](const char* filesystem, const std::string& path,
                       std::vector<std::string> options) {
    MountTarget target;
    target.path = path;
    target.filesystem = filesystem;
    target.options = std::move(options);
    target.device = filesystem;
    target.fstab_name = filesystem;
    targets.push_back(std::move(target));
  };
  if (std::any_of(overlays.begin(), overlays.end(),
                  [](const OverlayTarget& overlay) { return !overlay.persistent; })) {
    add("tmpfs", kVolatileOverlays, {"mode=0700", "nosuid", "nodev"});
  }
  for (const OverlayTarget& overlay : overlays) {
    if (overlay.in_initrd) continue;
    std::vector<std::string> options = OverlayOptions(overlay, "");
    options.push_back("x-systemd.requires-mounts-for=" + overlay.mount_path);
    if (!overlay.persistent) {
      options.push_back(absl::StrCat("x-systemd.requires=", kVolatileOverlaysUnit));
    }
    add(kOverlay, overlay.path, std::move(options));
  }
  return targets;
}

std::string VolatileOverlaysUnit(const std::vector<OverlayTarget>& overlays) {
  std::string commands;
  std::string lowers;
  for (const OverlayTarget& overlay : overlays) {
    if (overlay.persistent) continue;
    absl::StrAppend(&lowers, " ", overlay.path.substr(0, overlay.path.rfind('/') + 1));
    absl::StrAppend(&commands, "ExecStart=/bin/mkdir -p ", overlay.Upper(), " ", overlay.Work(),
                    "\n");
    // The overlay shows mode and owner of its own folder, not those of what is below it.
    for (const char* program : {"/bin/chown", "/bin/chmod"}) {
      absl::StrAppend(&commands, "ExecStart=", program, " --reference=", overlay.path, " ",
                      overlay.Upper(), "\n");
    }
  }
  if (commands.empty()) return "";
  return absl::StrCat(
      "# Written by the agent.\n"
      "[Unit]\n"
      "Description=Folders of overlays in memory\n"
      "DefaultDependencies=no\n"
      "Before=local-fs.target\n"
      "RequiresMountsFor=",
      kVolatileOverlays, lowers,
      "\n\n"
      "[Service]\n"
      "Type=oneshot\n"
      "RemainAfterExit=yes\n",
      commands);
}

absl::Status EmptyOverlays(Files& files, const std::vector<OverlayTarget>& overlays,
                           const std::string& root) {
  std::set<std::string> folders;
  for (const OverlayTarget& overlay : overlays) {
    if (overlay.persistent) folders.insert(overlay.folder);
  }
  for (const std::string& folder : folders) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string place, ResolveBelow(files, root, folder));
    TRIDENT_RETURN_IF_ERROR(
        Annotate(RemoveTree(files, place), absl::StrCat("empty the overlays in ", folder)));
    for (const OverlayTarget& overlay : overlays) {
      if (overlay.folder != folder) continue;
      for (const std::string& made : {overlay.Upper(), overlay.Work()}) {
        TRIDENT_RETURN_IF_ERROR(files.MakeDirectories(place + made.substr(folder.size()), 0755));
      }
    }
    TRIDENT_RETURN_IF_ERROR(files.SyncFileSystem(place));
  }
  return absl::OkStatus();
}

}  // namespace trident
