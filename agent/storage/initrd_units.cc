#include "agent/storage/initrd_units.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/config/path.h"

namespace trident {
namespace {

// Where the initrd mounts the root of the system.
constexpr char kSysroot[] = "/sysroot";

std::string MountUnitName(std::string_view path) { return EscapeUnitPath(path) + ".mount"; }

// Options without those that are for fstab only.
std::string KernelOptions(const std::vector<std::string>& options) {
  std::vector<std::string> kept;
  for (const std::string& option : options) {
    if (!option.empty() && !option.starts_with("x-")) kept.push_back(option);
  }
  return kept.empty() ? "defaults" : absl::StrJoin(kept, ",");
}

// `needs`: units that must be there before.
InitrdUnit MakeUnit(const std::string& what, const std::string& path, const std::string& filesystem,
                    const std::string& options, const std::vector<std::string>& needs) {
  const std::string where = kSysroot + path;
  const std::string units = absl::StrJoin(needs, " ");
  return {MountUnitName(where), absl::StrCat("# Written by the agent.\n"
                                             "[Unit]\n"
                                             "DefaultDependencies=no\n"
                                             "Requires=",
                                             units, "\nAfter=", units,
                                             "\nBefore=initrd-root-fs.target\n\n"
                                             "[Mount]\nWhat=",
                                             what, "\nWhere=", where, "\nType=", filesystem,
                                             "\nOptions=", options, "\n")};
}

}  // namespace

absl::StatusOr<std::vector<InitrdUnit>> InitrdUnits(const std::vector<OverlayTarget>& overlays,
                                                    const std::vector<MountTarget>& mounts) {
  std::vector<InitrdUnit> units;
  std::set<std::string> mounted;
  for (const OverlayTarget& overlay : overlays) {
    if (!overlay.in_initrd) continue;
    if (mounted.insert(overlay.mount_path).second) {
      const auto mount =
          std::find_if(mounts.begin(), mounts.end(), [&](const MountTarget& candidate) {
            return candidate.path.starts_with("/") &&
                   NormalizePath(candidate.path) == overlay.mount_path;
          });
      if (mount == mounts.end()) {
        return MakeError(absl::StatusCode::kInternal, "internal", "overlay-not-mounted",
                         absl::StrCat("nothing is mounted at ", overlay.mount_path,
                                      ", which keeps the changes of ", overlay.path));
      }
      units.push_back(MakeUnit(
          mount->device, overlay.mount_path, mount->filesystem, KernelOptions(mount->options),
          {"sysroot.mount",
           absl::StrCat("systemd-fsck@", EscapeUnitPath(mount->device), ".service")}));
    }
    units.push_back(MakeUnit("overlay", overlay.path, "overlay",
                             absl::StrJoin(OverlayOptions(overlay, kSysroot), ","),
                             {"sysroot.mount", MountUnitName(kSysroot + overlay.mount_path)}));
  }
  return units;
}

std::string EscapeUnitPath(std::string_view path) {
  std::string escaped;
  const std::string normal = NormalizePath(path);
  if (normal == "/") return "-";
  for (size_t i = 1; i < normal.size(); ++i) {
    const char letter = normal[i];
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(letter)) || letter == ':' ||
                       letter == '_' || (letter == '.' && i > 1);
    if (letter == '/') {
      escaped += '-';
    } else if (plain) {
      escaped += letter;
    } else {
      absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<unsigned char>(letter));
    }
  }
  return escaped;
}

}  // namespace trident
