// What is added to every boot entry of a target, besides how it finds its root.
#ifndef TRIDENT_AGENT_BOOT_BOOT_ADDITIONS_H_
#define TRIDENT_AGENT_BOOT_BOOT_ADDITIONS_H_

#include <string>
#include <string_view>

#include "agent/boot/kernel_parameters.h"

namespace trident {

struct BootAdditions {
  KernelParameters parameters;
  // An initrd that is loaded before those of the image: its path on the ESP, "/trident/x.img".
  // Empty: none. Before, because the kernel takes an archive that is not compressed only where the
  // one before it ended at a multiple of four bytes, which that of an image need not.
  std::string first_initrd = {};

  bool empty() const { return parameters.empty() && first_initrd.empty(); }
};

// The entry of systemd-boot with all of it; one that starts no kernel is left. A second run changes
// nothing.
std::string AddToLoaderEntry(std::string_view text, const BootAdditions& additions);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_BOOT_ADDITIONS_H_
