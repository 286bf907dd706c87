#include "agent/boot/kernel_command_line.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "agent/boot/text.h"

namespace trident {
namespace {

constexpr std::string_view kRootParameter = "root=";

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }
bool IsQuote(char c) { return c == '"' || c == '\''; }
bool IsAlphanumeric(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

// Where the value that starts at `at` ends. `outer` is the quote that is open there, or 0.
size_t EndOfValue(std::string_view text, size_t at, char outer) {
  while (at < text.size()) {
    const char c = text[at];
    if (c == outer || IsSpace(c)) return at;
    if (outer == 0 && IsQuote(c)) {
      const size_t close = text.find(c, at + 1);
      if (close == std::string_view::npos) return text.size();
      at = close + 1;
    } else {
      at += c == '\\' && at + 1 < text.size() && !IsSpace(text[at + 1]) ? 2 : 1;
    }
  }
  return at;
}

// Applies `rewrite` to every line, with its end, that is not a comment.
template <typename Rewrite>
RewrittenText RewriteLines(std::string_view text, Rewrite rewrite) {
  RewrittenText result;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view line =
        text.substr(0, newline == std::string_view::npos ? text.size() : newline + 1);
    text.remove_prefix(line.size());
    if (TrimLeft(line).starts_with('#')) {
      result.text += line;
      continue;
    }
    const RewrittenText rewritten = rewrite(line);
    result.text += rewritten.text;
    result.changes += rewritten.changes;
    result.roots += rewritten.roots;
  }
  return result;
}

RewrittenText RewriteBoth(std::string_view line, const RootReplacement& replacement) {
  const RewrittenText uuids = RewriteFilesystemUuids(line, replacement);
  RewrittenText result = RewriteRootParameters(uuids.text, replacement.root);
  result.changes += uuids.changes;
  return result;
}

}  // namespace

RewrittenText RewriteRootParameters(std::string_view text, std::string_view root) {
  RewrittenText result;
  char outer = 0;
  size_t at = 0;
  while (at < text.size()) {
    const bool starts_word = at == 0 || IsSpace(text[at - 1]) || IsQuote(text[at - 1]);
    if (starts_word && text.substr(at).starts_with(kRootParameter)) {
      const size_t value = at + kRootParameter.size();
      const size_t end = EndOfValue(text, value, outer);
      if (text.substr(value, end - value) != root) ++result.changes;
      ++result.roots;
      result.text += kRootParameter;
      result.text += root;
      at = end;
      continue;
    }
    const char c = text[at];
    if (outer == 0 && IsQuote(c)) {
      outer = c;
    } else if (c == outer) {
      outer = 0;
    }
    result.text += c;
    ++at;
  }
  return result;
}

RewrittenText RewriteFilesystemUuids(std::string_view text, const RootReplacement& replacement) {
  RewrittenText result;
  size_t at = 0;
  while (at < text.size()) {
    bool replaced = false;
    if (at == 0 || !IsAlphanumeric(text[at - 1])) {
      for (const auto& [old_uuid, new_uuid] : replacement.filesystem_uuids) {
        if (old_uuid.empty() || EqualsIgnoringCase(old_uuid, new_uuid)) continue;
        if (!StartsWithIgnoringCase(text.substr(at), old_uuid)) continue;
        const size_t end = at + old_uuid.size();
        if (end < text.size() && (IsAlphanumeric(text[end]) || text[end] == '-')) continue;
        result.text += new_uuid;
        ++result.changes;
        at = end;
        replaced = true;
        break;
      }
    }
    if (!replaced) result.text += text[at++];
  }
  return result;
}

RewrittenText RewriteCommandLineFile(std::string_view text, const RootReplacement& replacement) {
  return RewriteLines(text, [&](std::string_view line) { return RewriteBoth(line, replacement); });
}

RewrittenText RewriteGrubDefaults(std::string_view text, const RootReplacement& replacement) {
  return RewriteLines(text, [&](std::string_view line) {
    std::string_view name = TrimLeft(line);
    ConsumePrefix(name, "export ");
    return name.starts_with("GRUB_CMDLINE_LINUX") ? RewriteBoth(line, replacement)
                                                  : RewriteFilesystemUuids(line, replacement);
  });
}

bool HasPanicTimeout(std::string_view command_line) {
  bool has_timeout = false;
  for (std::string_view word : SplitWords(command_line)) {
    ConsumePrefix(word, "\"");
    ConsumeSuffix(word, "\"");
    // Everything after it belongs to the first process.
    if (word == "--") break;
    if (!ConsumePrefix(word, "panic=")) continue;
    int32_t seconds = 0;
    has_timeout = absl::SimpleAtoi(std::string(word), &seconds) && seconds != 0;
  }
  return has_timeout;
}

}  // namespace trident
