#include "common/config/servicing_kind.h"

#include <array>
#include <utility>

namespace trident {
namespace {

constexpr std::array<std::pair<ServicingKind, std::string_view>, 7> kKinds = {{
    {ServicingKind::kNone, "none"},
    {ServicingKind::kHotPatch, "hot-patch"},
    {ServicingKind::kNormalUpdate, "normal-update"},
    {ServicingKind::kUpdateAndReboot, "update-and-reboot"},
    {ServicingKind::kAbUpdate, "ab-update"},
    {ServicingKind::kIncompatible, "incompatible"},
    {ServicingKind::kCleanInstall, "clean-install"},
}};

}  // namespace

std::string_view ServicingKindName(ServicingKind kind) {
  for (const auto& [candidate, name] : kKinds) {
    if (candidate == kind) return name;
  }
  return "none";
}

std::optional<ServicingKind> ServicingKindFromName(std::string_view name) {
  for (const auto& [kind, candidate] : kKinds) {
    if (candidate == name) return kind;
  }
  return std::nullopt;
}

std::string_view VolumeName(Volume volume) {
  return volume == Volume::kA ? "volume-a" : "volume-b";
}

std::optional<Volume> VolumeFromName(std::string_view name) {
  if (name == "volume-a") return Volume::kA;
  if (name == "volume-b") return Volume::kB;
  return std::nullopt;
}

}  // namespace trident
