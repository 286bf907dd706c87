// What grub-mkimage built into a GRUB program.
#ifndef TRIDENT_AGENT_BOOT_GRUB_IMAGE_H_
#define TRIDENT_AGENT_BOOT_GRUB_IMAGE_H_

#include <optional>
#include <string>
#include <string_view>

namespace trident {

struct GrubImage {
  std::string prefix;         // --prefix: where GRUB looks for its configuration
  std::string configuration;  // --config: run before that; empty: none

  bool operator==(const GrubImage&) const = default;
};

// `program` is the whole EFI program of a 64-bit platform. nullopt: it is no GRUB.
std::optional<GrubImage> ReadGrubImage(std::string_view program);

// GRUB finds its configuration beside itself, wherever on the ESP the firmware starts it: its
// prefix is empty, so that the folder of the program takes its place, or the built-in configuration
// uses $cmdpath, which is that folder. GRUB manual, "cmdpath" and "prefix".
bool FindsConfigurationBesideItself(const GrubImage& image);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_GRUB_IMAGE_H_
