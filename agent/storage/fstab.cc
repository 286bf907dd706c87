#include "agent/storage/fstab.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/storage/overlay.h"
#include "common/base/error.h"

namespace trident {
namespace {

// As getmntent(3) reads it; '#' too, since it begins a comment.
std::string Escape(const std::string& field) {
  std::string escaped;
  for (const char letter : field) {
    switch (letter) {
      case ' ':
        escaped += "\\040";
        break;
      case '\t':
        escaped += "\\011";
        break;
      case '\n':
        escaped += "\\012";
        break;
      case '\r':
        escaped += "\\015";
        break;
      case '\\':
        escaped += "\\134";
        break;
      case '#':
        escaped += "\\043";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

int PassOf(const MountTarget& target) {
  if (!target.path.starts_with("/") || target.read_only || target.filesystem == "overlay" ||
      target.filesystem == "tmpfs") {
    return 0;
  }
  // The initrd has checked it already, and mounted it.
  if (target.in_initrd) return 0;
  return target.path == "/" ? 1 : 2;
}

}  // namespace

std::string FormatFstab(const std::vector<MountTarget>& targets) {
  std::string text;
  for (const MountTarget& target : targets) {
    std::string options = absl::StrJoin(target.options, ",");
    if (target.in_initrd) absl::StrAppend(&options, options.empty() ? "" : ",", "x-initrd.mount");
    absl::StrAppend(&text, Escape(target.fstab_name), " ", Escape(target.path), " ",
                    target.filesystem.empty() ? "auto" : Escape(target.filesystem), " ",
                    options.empty() ? "defaults" : Escape(options), " 0 ", PassOf(target), "\n");
  }
  return text;
}

absl::StatusOr<std::string> MakeFstab(const HostConfiguration& configuration,
                                      const HostStatus& status, Volume volume) {
  TRIDENT_ASSIGN_OR_RETURN(std::vector<MountTarget> targets,
                           MountTargets(configuration, status, volume));
  for (MountTarget& overlay : OverlayFstab(OverlayTargets(configuration, volume))) {
    targets.push_back(std::move(overlay));
  }
  return FormatFstab(targets);
}

}  // namespace trident
