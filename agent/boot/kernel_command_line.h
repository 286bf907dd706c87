// Kernel command lines as text. Linux, Documentation/admin-guide/kernel-parameters.rst.
#ifndef TRIDENT_AGENT_BOOT_KERNEL_COMMAND_LINE_H_
#define TRIDENT_AGENT_BOOT_KERNEL_COMMAND_LINE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trident {

// How a volume is told from its twin: what takes the place of what both share.
struct RootReplacement {
  // File system UUIDs, old and new: of the root, and of whatever else the target got a new one for.
  // The old one may be empty: not known.
  std::vector<std::pair<std::string, std::string>> filesystem_uuids;
  // The value of root=: "PARTUUID=<uuid>".
  std::string root;
};

struct RewrittenText {
  std::string text;
  size_t changes = 0;  // places that are different now
  size_t roots = 0;    // root= parameters that have the wanted value now
};

// Gives every root= parameter of `text` the value `root`, whatever it was: in words that begin with
// root=, also inside quotes. Everything else stays byte by byte.
RewrittenText RewriteRootParameters(std::string_view text, std::string_view root);

// Replaces the old file system UUIDs wherever they stand as a whole, in either case of letters.
RewrittenText RewriteFilesystemUuids(std::string_view text, const RootReplacement& replacement);

// Both of them, line by line; lines that begin with "#" are left. For files that hold nothing but
// command lines, as /etc/kernel/cmdline does.
RewrittenText RewriteCommandLineFile(std::string_view text, const RootReplacement& replacement);

// The same for /etc/default/grub: root= is a parameter only in GRUB_CMDLINE_LINUX*.
RewrittenText RewriteGrubDefaults(std::string_view text, const RootReplacement& replacement);

// panic=N with N other than 0: a kernel that panics resets the machine. The last one counts.
bool HasPanicTimeout(std::string_view command_line);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_KERNEL_COMMAND_LINE_H_
