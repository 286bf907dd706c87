// Entries of systemd-boot as text. Boot Loader Specification, "Type #1 Boot Loader Specification
// Entries".
#ifndef TRIDENT_AGENT_BOOT_LOADER_ENTRY_H_
#define TRIDENT_AGENT_BOOT_LOADER_ENTRY_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/boot/kernel_command_line.h"

namespace trident {

struct LoaderEntry {
  std::string linux_path;  // /vmlinuz, relative to the partition of the entry; empty: no kernel
  std::vector<std::string> initrds;
  std::string efi_path;  // an EFI program instead of a kernel
  std::string options;   // all `options` lines, joined by blanks
};

// Keys that it does not know are ignored, as the specification asks.
LoaderEntry ReadLoaderEntry(std::string_view text);

// Gives every root= of the `options` lines the wanted value and replaces the old file system UUIDs;
// everything else stays byte by byte. FAILED_PRECONDITION when the entry starts a kernel without
// root=: such a system takes the first root partition of the disk, which may be the other volume's.
absl::StatusOr<RewrittenText> RewriteLoaderEntry(std::string_view text,
                                                 const RootReplacement& replacement);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_LOADER_ENTRY_H_
