// GRUB's configuration language, as far as finding its commands and their words goes. GRUB manual,
// "Writing full configuration files directly" (shell-like scripting).
#ifndef TRIDENT_AGENT_BOOT_GRUB_SCRIPT_H_
#define TRIDENT_AGENT_BOOT_GRUB_SCRIPT_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace trident {

// Where a word stands in the text, with its quotes.
struct GrubWord {
  size_t begin = 0;
  size_t end = 0;
};

// A simple command: a name and its arguments. Keywords (if, then, {, ...) are not part of it.
struct GrubCommand {
  std::vector<GrubWord> words;  // never empty
  size_t line = 0;              // 1-based, of the first word
};

// FAILED_PRECONDITION when a quote is not closed. Comments are in no command.
absl::StatusOr<std::vector<GrubCommand>> ParseGrubScript(std::string_view text);

using GrubVariables = std::map<std::string, std::string>;

// The word without its quotes and with its variables put in; nullopt when it uses a variable that
// is not in `variables`.
std::optional<std::string> ExpandGrubWord(std::string_view word, const GrubVariables& variables);

// The word without its quotes; variables stay as they are written.
std::string UnquoteGrubWord(std::string_view word);

// NAME=VALUE, by `set` or without it.
struct GrubAssignment {
  std::string name;
  GrubWord value;
};
std::optional<GrubAssignment> AsAssignment(std::string_view text, const GrubCommand& command);

// What a search command (search, search.fs_uuid, search.fs_label, search.file) looks for.
struct GrubSearch {
  enum class By { kFilesystemUuid, kLabel, kFile };
  By by = By::kFile;
  std::string wanted;
  std::string variable = "root";  // that gets the device
};
// nullopt: another command.
std::optional<GrubSearch> AsSearch(std::string_view text, const GrubCommand& command);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_GRUB_SCRIPT_H_
