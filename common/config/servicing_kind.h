// How deep a change of the host goes.
#ifndef TRIDENT_COMMON_CONFIG_SERVICING_KIND_H_
#define TRIDENT_COMMON_CONFIG_SERVICING_KIND_H_

#include <optional>
#include <string_view>

namespace trident {

// In rising order: of the kinds that the subsystems ask for, the highest wins.
enum class ServicingKind {
  kNone,
  kHotPatch,
  kNormalUpdate,
  kUpdateAndReboot,
  kAbUpdate,
  kIncompatible,
  kCleanInstall,
};

std::string_view ServicingKindName(ServicingKind kind);  // "ab-update"
std::optional<ServicingKind> ServicingKindFromName(std::string_view name);

// Volume A or B of every pair; all pairs switch together.
enum class Volume { kA, kB };

std::string_view VolumeName(Volume volume);  // "volume-a"
std::optional<Volume> VolumeFromName(std::string_view name);
inline Volume OtherVolume(Volume volume) { return volume == Volume::kA ? Volume::kB : Volume::kA; }

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_SERVICING_KIND_H_
