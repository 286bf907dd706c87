#include "agent/boot/loader_entry.h"

#include <utility>

#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

// Key and value of a line; an empty key for blank lines and comments.
std::pair<std::string_view, std::string_view> SplitLine(std::string_view line) {
  line = Trim(line);
  if (line.empty() || line[0] == '#') return {};
  const size_t blank = line.find_first_of(" \t");
  if (blank == std::string_view::npos) return {line, {}};
  return {line.substr(0, blank), TrimLeft(line.substr(blank))};
}

}  // namespace

LoaderEntry ReadLoaderEntry(std::string_view text) {
  LoaderEntry entry;
  for (const std::string_view line : Split(text, '\n')) {
    const auto [key, value] = SplitLine(line);
    if (key == "linux") entry.linux_path = value;
    if (key == "efi") entry.efi_path = value;
    if (key == "initrd") entry.initrds.emplace_back(value);
    if (key == "options") {
      if (!entry.options.empty()) entry.options += ' ';
      entry.options += value;
    }
  }
  return entry;
}

absl::StatusOr<RewrittenText> RewriteLoaderEntry(std::string_view text,
                                                 const RootReplacement& replacement) {
  RewrittenText result;
  bool first = true;
  for (const std::string_view line : Split(text, '\n')) {
    if (!std::exchange(first, false)) result.text += '\n';
    const auto [key, value] = SplitLine(line);
    if (key.empty()) {
      result.text += line;
      continue;
    }
    RewrittenText rewritten = RewriteFilesystemUuids(line, replacement);
    if (key == "options") {
      const size_t changes = rewritten.changes;
      rewritten = RewriteRootParameters(rewritten.text, replacement.root);
      rewritten.changes += changes;
    }
    result.text += rewritten.text;
    result.changes += rewritten.changes;
    result.roots += rewritten.roots;
  }
  if (!ReadLoaderEntry(text).linux_path.empty() && result.roots == 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "no-root-parameter",
                     "the entry starts a kernel, but its options have no root=: the system would "
                     "take the first root partition that it finds, which volumes A and B share",
                     "Add root= to the options of the entry in the image; its value is replaced.");
  }
  return result;
}

}  // namespace trident
