// GRUB configurations as text: how they find the root, and what they start.
#ifndef TRIDENT_AGENT_BOOT_GRUB_CONFIG_H_
#define TRIDENT_AGENT_BOOT_GRUB_CONFIG_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/boot/kernel_command_line.h"

namespace trident {

struct RewrittenGrubConfig {
  std::string text;
  size_t changes = 0;       // words that are different now
  size_t own_searches = 0;  // searches for a file system UUID of this volume alone
  size_t roots = 0;         // root= parameters that have the wanted value now
  // File system UUIDs of other file systems that are searched for.
  std::vector<std::string> other_searches;
};

// Replaces the old file system UUIDs everywhere (searches, ids of menu entries), and the value of
// every root= on the lines that load a kernel, whatever it was. Where the value is a variable that
// this text sets, the variable is set to the wanted value; `rootdevice` always is. Comments and
// everything else stay byte by byte; a second run changes nothing.
//
// FAILED_PRECONDITION, with the line, when the device is found by what both volumes share (a label,
// a file, the disk's position), or when the text is broken.
absl::StatusOr<RewrittenGrubConfig> RewriteGrubConfig(std::string_view text,
                                                      const RootReplacement& replacement);

// A command that loads a kernel.
struct GrubKernel {
  size_t line = 0;
  // Empty when it uses a variable that is not known from the text.
  std::string path;
  std::string command_line;  // variables that are not known stay as they are written
  // Of the same menu entry, without those that use a variable which is not known.
  std::vector<std::string> initrds = {};
};

struct GrubContents {
  std::vector<GrubKernel> kernels;
  // Paths without their device; those with variables that are not known are left out.
  std::vector<std::string> initrds;
  std::vector<std::string> config_files;
  // The first entry of the menu is started by itself: `default` is not set, or 0.
  bool starts_first = true;
};

// What a configuration would start. Both branches of an `if` are taken.
absl::StatusOr<GrubContents> ReadGrubConfig(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_GRUB_CONFIG_H_
