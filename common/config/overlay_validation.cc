#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/path.h"
#include "common/config/verity_validation.h"

namespace trident {
namespace {

constexpr char kEtc[] = "/etc";

std::string Quoted(std::string_view text) { return StrCat("\"", Shorten(text), "\""); }

// Letters that have a meaning in the options of an overlay, or that fstab and units would need
// escapes for in turn.
bool IsPlainPath(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return IsAsciiAlnum(c) || std::string_view("/._-+@").find(c) != std::string_view::npos;
  });
}

class OverlayValidator {
 public:
  OverlayValidator(const Storage& storage, const std::string& path, const StorageIndex& index,
                   FindingList& findings)
      : storage_(storage), path_(path), index_(index), findings_(findings) {}

  void Check() {
    for (size_t i = 0; i < storage_.overlays.size(); ++i) {
      has_place_.push_back(
          CheckPath(storage_.overlays[i], StrCat(path_, ".overlays[", i, "].path")));
    }
    for (size_t i = 0; i < storage_.overlays.size(); ++i) {
      const Overlay& overlay = storage_.overlays[i];
      const std::string path = StrCat(path_, ".overlays[", i, "]");
      if (has_place_[i]) CheckNesting(overlay, i, path + ".path");
      CheckTarget(overlay, path);
      if (NormalizePath(overlay.path) == kEtc) CheckEtc(overlay, path);
    }
  }

 private:
  bool CheckPath(const Overlay& overlay, const std::string& path) {
    if (findings_.Failed(path)) return false;
    const std::string normal = NormalizePath(overlay.path);
    if (!IsPlainPath(overlay.path)) {
      findings_.Add(path,
                    StrCat("the path of an overlay has letters, digits and \"._-+@\" only, "
                           "found ",
                           Quoted(overlay.path)),
                    "Choose a folder with such a path.");
      return false;
    }
    for (const std::string_view kernel : {"/dev", "/proc", "/run", "/sys"}) {
      if (!IsAtOrBelow(normal, kernel)) continue;
      findings_.Add(path, StrCat(Quoted(overlay.path), " is not on a disk"),
                    "Choose a folder of the installed system.");
      return false;
    }
    if (normal == "/") {
      findings_.Add(path, "the whole root cannot be an overlay",
                    "Name the folders that must be written, such as /etc and /var.");
      return false;
    }
    for (size_t i = 0; i < storage_.mount_points.size(); ++i) {
      const MountPoint& mount = storage_.mount_points[i];
      if (!mount.path.starts_with("/") || NormalizePath(mount.path) != normal) continue;
      findings_.Add(path,
                    StrCat("something is mounted at ", Quoted(overlay.path), ", by ", path_,
                           ".mountPoints[", i, "]"),
                    "Remove the overlay or the mount point.");
      return false;
    }
    return true;
  }

  void CheckNesting(const Overlay& overlay, size_t index, const std::string& path) {
    for (size_t i = 0; i < storage_.overlays.size(); ++i) {
      if (i == index || !has_place_[i]) continue;
      if (!IsAtOrBelow(overlay.path, storage_.overlays[i].path)) continue;
      const bool same = NormalizePath(overlay.path) == NormalizePath(storage_.overlays[i].path);
      // Of two with one path the second is said.
      if (same && i > index) continue;
      findings_.Add(path,
                    StrCat(Quoted(overlay.path),
                           same ? " is also the path of " : " lies below the overlay at ", path_,
                           ".overlays[", i, "]"),
                    "Keep one of the two overlays.");
      return;
    }
  }

  void CheckTarget(const Overlay& overlay, const std::string& overlay_path) {
    const std::string path = overlay_path + ".targetId";
    if (findings_.Failed(path) || findings_.Failed(overlay_path + ".persistent")) return;
    if (!overlay.persistent) {
      if (!overlay.target_id) return;
      findings_.Add(path, "an overlay that is not persistent keeps its changes in memory",
                    "Remove \"targetId\", or write \"persistent: true\".");
      return;
    }
    if (!overlay.target_id) {
      findings_.Add(overlay_path, "nothing says where the changes of the overlay are kept",
                    "Add \"targetId\", or write \"persistent: false\".");
      return;
    }
    const IndexedDevice* const device = index_.Resolve(*overlay.target_id, path, findings_);
    if (device == nullptr) return;
    if (device->kind != DeviceKind::kPartition && device->kind != DeviceKind::kRaidArray &&
        device->kind != DeviceKind::kEncryptedVolume) {
      findings_.Add(path,
                    StrCat("expected a partition, a RAID array or an encrypted volume, but ",
                           Quoted(*overlay.target_id), " is ", DeviceKindName(device->kind)),
                    "Refer to a volume that both systems have mounted.");
      return;
    }
    CheckMount(overlay, path);
  }

  void CheckMount(const Overlay& overlay, const std::string& path) {
    for (const MountPoint& mount : storage_.mount_points) {
      if (mount.target_id != *overlay.target_id) continue;
      if (mount.filesystem != "ext4" && mount.filesystem != "xfs") {
        findings_.Add(path,
                      StrCat(Quoted(*overlay.target_id), " has the file system ",
                             Quoted(mount.filesystem), ", which cannot keep an overlay's changes"),
                      "Use a volume with ext4 or xfs.");
        return;
      }
      if (!IsPlainPath(mount.path)) {
        findings_.Add(path,
                      StrCat(Quoted(*overlay.target_id), " is mounted at ", Quoted(mount.path),
                             ", which cannot be written into the options of an overlay"),
                      "Mount it at a path of letters, digits and \"._-+@\".");
      }
      for (const std::string_view option : {"ro", "noauto", "nofail"}) {
        if (std::find(mount.options.begin(), mount.options.end(), option) == mount.options.end()) {
          continue;
        }
        findings_.Add(path,
                      StrCat(Quoted(*overlay.target_id), " is mounted with the option ",
                             Quoted(option), ", so that it may not be there or not be writable"),
                      "Remove the option.");
      }
      for (size_t i = 0; i < storage_.overlays.size(); ++i) {
        if (!has_place_[i] || !IsAtOrBelow(mount.path, storage_.overlays[i].path)) continue;
        findings_.Add(path,
                      StrCat(Quoted(*overlay.target_id), " is mounted at ", Quoted(mount.path),
                             ", below the overlay at ", path_, ".overlays[", i, "]"),
                      "Mount it elsewhere: it must be there before the overlays are.");
      }
      return;
    }
    if (!index_.knows_mounts()) return;
    findings_.Add(path, StrCat(Quoted(*overlay.target_id), " is not mounted"),
                  "Add its mount point.");
  }

  void CheckEtc(const Overlay& overlay, const std::string& path) {
    const bool verity_root =
        std::any_of(storage_.verity.begin(), storage_.verity.end(),
                    [](const VerityDevice& verity) { return verity.name == "root"; });
    if (!verity_root && !findings_.IsIncomplete(path_ + ".verity") &&
        !findings_.Failed(path_ + ".verity")) {
      findings_.Add(path + ".path", "/etc of a root that can be written needs no overlay",
                    "Remove the overlay.");
      return;
    }
    if (!overlay.persistent) {
      findings_.Add(path + ".persistent",
                    "what the agent writes to /etc, such as fstab, would be lost at the reboot",
                    "Write \"persistent: true\" and a targetId.");
      return;
    }
    if (!overlay.target_id) return;
    const IndexedDevice* const device = index_.Find(*overlay.target_id);
    if (device == nullptr || device->kind != DeviceKind::kEncryptedVolume) return;
    findings_.Add(path + ".targetId",
                  StrCat(Quoted(*overlay.target_id),
                         " is encrypted, and is not open yet when /etc is needed"),
                  "Keep the changes of /etc on a volume that is not encrypted.");
  }

  const Storage& storage_;
  const std::string& path_;
  const StorageIndex& index_;
  FindingList& findings_;
  // Of each overlay: its path is good. The others are compared to none.
  std::vector<bool> has_place_;
};

}  // namespace

void ValidateOverlays(const Storage& storage, const std::string& path, const StorageIndex& index,
                      FindingList& findings) {
  OverlayValidator(storage, path, index, findings).Check();
}

}  // namespace trident
