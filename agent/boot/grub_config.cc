#include "agent/boot/grub_config.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/boot/grub_script.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

// An Azure Linux image sets it for the kernel line of another file.
constexpr char kRootDeviceVariable[] = "rootdevice";

std::string_view WordText(std::string_view text, const GrubWord& word) {
  return text.substr(word.begin, word.end - word.begin);
}

bool LoadsKernel(std::string_view name) {
  // Xen's dom0 kernel is a module of a multiboot kernel.
  for (const std::string_view known :
       {"linux", "linuxefi", "linux16", "module", "module2", "multiboot", "multiboot2"}) {
    if (name == known) return true;
  }
  return false;
}

bool LoadsInitrd(std::string_view name) {
  return name == "initrd" || name == "initrdefi" || name == "initrd16";
}

// The name in "root=$NAME" or "root=${NAME}"; empty when it is anything else.
std::string RootVariable(std::string_view word) {
  std::string value = UnquoteGrubWord(word);
  std::string_view name = value;
  if (!ConsumePrefix(name, "root=$")) return "";
  if (ConsumePrefix(name, "{") && !ConsumeSuffix(name, "}")) return "";
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
  return plain ? std::string(name) : "";
}

// A partition by its place: (hd0,gpt2), also without parentheses when it is the value of `root`.
bool IsDiskPosition(std::string_view word, bool whole) {
  const std::string value = UnquoteGrubWord(word);
  for (size_t at = 0; at + 2 < value.size(); ++at) {
    if (at > 0 && whole) break;
    const bool starts = value[at] == '(' ? value.compare(at + 1, 2, "hd") == 0
                                         : whole && value.compare(at, 2, "hd") == 0;
    const size_t digit = value[at] == '(' ? at + 3 : at + 2;
    if (starts && digit < value.size() &&
        absl::ascii_isdigit(static_cast<unsigned char>(value[digit]))) {
      return true;
    }
  }
  return false;
}

absl::Status FoundByShared(size_t line, std::string_view what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "found-by-shared-name",
                   absl::StrFormat("line %d: GRUB finds its device by %s, which volumes A and B "
                                   "share",
                                   line, what),
                   "Let the image's configuration of GRUB search by the UUID of the root file "
                   "system: search --no-floppy --fs-uuid --set=root UUID");
}

class Rewriter {
 public:
  Rewriter(std::string_view text, const std::vector<GrubCommand>& commands,
           const RootReplacement& replacement)
      : text_(text), commands_(commands), replacement_(replacement) {}

  absl::StatusOr<RewrittenGrubConfig> Rewrite() {
    FindVariables();
    for (const GrubCommand& command : commands_) RewriteCommand(command);
    TRIDENT_RETURN_IF_ERROR(CheckDevices());
    result_.text += text_.substr(copied_);
    return std::move(result_);
  }

 private:
  // Which variables are the value of root= and are set here.
  void FindVariables() {
    std::set<std::string> used;
    std::set<std::string> set;
    for (const GrubCommand& command : commands_) {
      if (auto assignment = AsAssignment(text_, command)) {
        set.insert(assignment->name);
      } else if (LoadsKernel(WordText(text_, command.words[0]))) {
        for (const GrubWord& word : command.words) used.insert(RootVariable(WordText(text_, word)));
      }
    }
    std::set_intersection(used.begin(), used.end(), set.begin(), set.end(),
                          std::inserter(root_variables_, root_variables_.end()));
    if (set.contains(kRootDeviceVariable)) root_variables_.emplace(kRootDeviceVariable);
  }

  void RewriteCommand(const GrubCommand& command) {
    const std::optional<GrubAssignment> assignment = AsAssignment(text_, command);
    const bool loads_kernel = LoadsKernel(WordText(text_, command.words[0]));
    for (const GrubWord& word : command.words) {
      const std::string_view old_text = WordText(text_, word);
      std::string new_text = RewriteFilesystemUuids(old_text, replacement_).text;
      if (assignment.has_value() && assignment->value.end == word.end) {
        new_text = RewriteAssignment(*assignment, new_text);
      } else if (loads_kernel && !root_variables_.contains(RootVariable(old_text))) {
        RewrittenText rewritten = RewriteRootParameters(new_text, replacement_.root);
        result_.roots += rewritten.roots;
        new_text = std::move(rewritten.text);
      }
      if (new_text == old_text) continue;
      result_.text += text_.substr(copied_, word.begin - copied_);
      result_.text += new_text;
      copied_ = word.end;
      ++result_.changes;
    }
  }

  // `word` is NAME=VALUE.
  std::string RewriteAssignment(const GrubAssignment& assignment, const std::string& word) {
    if (root_variables_.contains(assignment.name)) {
      ++result_.roots;
      return absl::StrCat(assignment.name, "=", replacement_.root);
    }
    // GRUB's own `root` is a device of GRUB, not a parameter of the kernel.
    const size_t value = assignment.name.size() + 1;
    RewrittenText rewritten =
        RewriteRootParameters(std::string_view{word}.substr(value), replacement_.root);
    result_.roots += rewritten.roots;
    return absl::StrCat(word.substr(0, value), rewritten.text);
  }

  bool IsOwn(std::string_view uuid) const {
    for (const auto& [old_uuid, new_uuid] : replacement_.filesystem_uuids) {
      if (EqualsIgnoringCase(uuid, new_uuid) ||
          (!old_uuid.empty() && EqualsIgnoringCase(uuid, old_uuid))) {
        return true;
      }
    }
    return false;
  }

  absl::Status CheckDevices() {
    std::vector<std::pair<size_t, GrubSearch>> shared;
    std::optional<size_t> position;
    for (const GrubCommand& command : commands_) {
      if (std::optional<GrubSearch> search = AsSearch(text_, command)) {
        if (search->by != GrubSearch::By::kFilesystemUuid) {
          shared.emplace_back(command.line, *std::move(search));
        } else if (IsOwn(search->wanted)) {
          ++result_.own_searches;
        } else {
          result_.other_searches.push_back(search->wanted);
        }
        continue;
      }
      const std::optional<GrubAssignment> assignment = AsAssignment(text_, command);
      for (const GrubWord& word : command.words) {
        const bool is_root = assignment.has_value() && assignment->name == "root" &&
                             assignment->value.end == word.end;
        const std::string_view place = WordText(text_, is_root ? assignment->value : word);
        if (!position.has_value() && IsDiskPosition(place, is_root)) position = command.line;
      }
    }
    for (const auto& [line, search] : shared) {
      if (search.variable != "root" && result_.own_searches > 0) continue;
      return FoundByShared(
          line,
          absl::StrFormat("the %s '%s'", search.by == GrubSearch::By::kLabel ? "label" : "file",
                          search.wanted));
    }
    // grub-mkconfig writes the position first and then a search, which replaces it.
    if (position.has_value() && result_.own_searches == 0) {
      return FoundByShared(*position, "its place on the disk");
    }
    return absl::OkStatus();
  }

  std::string_view text_;
  const std::vector<GrubCommand>& commands_;
  const RootReplacement& replacement_;
  std::set<std::string> root_variables_;
  size_t copied_ = 0;  // the text before it is in the result
  RewrittenGrubConfig result_;
};

// "(hd0,gpt2)/boot/x" and "($root)/boot/x" without their device.
std::string WithoutDevice(std::string_view path) {
  if (path.starts_with('(')) {
    const size_t close = path.find(')');
    if (close != std::string_view::npos) path.remove_prefix(close + 1);
  }
  return std::string(path);
}

std::optional<std::string> PathWord(std::string_view word, const GrubVariables& variables) {
  const std::optional<std::string> path = ExpandGrubWord(word, variables);
  if (!path.has_value()) return std::nullopt;
  return WithoutDevice(*path);
}

}  // namespace

absl::StatusOr<RewrittenGrubConfig> RewriteGrubConfig(std::string_view text,
                                                      const RootReplacement& replacement) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<GrubCommand> commands, ParseGrubScript(text));
  return Rewriter(text, commands, replacement).Rewrite();
}

absl::StatusOr<GrubContents> ReadGrubConfig(std::string_view text) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<GrubCommand> commands, ParseGrubScript(text));
  GrubContents contents;
  // Devices are cut off paths, so that it does not matter which one it is.
  GrubVariables variables = {{"root", ""}};
  for (const GrubCommand& command : commands) {
    if (const auto assignment = AsAssignment(text, command)) {
      const auto value = ExpandGrubWord(WordText(text, assignment->value), variables);
      if (assignment->name == "default") {
        contents.starts_first = value.has_value() && (value->empty() || *value == "0");
      }
      if (value.has_value()) {
        variables[assignment->name] = *value;
      } else {
        variables.erase(assignment->name);
      }
      continue;
    }
    if (const auto search = AsSearch(text, command)) {
      variables[search->variable] = "";
      continue;
    }
    const std::string_view name = WordText(text, command.words[0]);
    if (command.words.size() < 2) continue;
    if (LoadsKernel(name)) {
      GrubKernel kernel;
      kernel.line = command.line;
      size_t index = 1;
      // module2 --nounzip /path
      while (index + 1 < command.words.size() &&
             WordText(text, command.words[index]).starts_with("--")) {
        ++index;
      }
      kernel.path = PathWord(WordText(text, command.words[index]), variables).value_or("");
      for (++index; index < command.words.size(); ++index) {
        const std::string_view word = WordText(text, command.words[index]);
        absl::StrAppend(&kernel.command_line, kernel.command_line.empty() ? "" : " ",
                        ExpandGrubWord(word, variables).value_or(UnquoteGrubWord(word)));
      }
      contents.kernels.push_back(std::move(kernel));
    } else if (LoadsInitrd(name) || name == "configfile" || name == "source") {
      for (size_t index = 1; index < command.words.size(); ++index) {
        const auto path = PathWord(WordText(text, command.words[index]), variables);
        if (!path.has_value() || !path->starts_with('/')) continue;
        // `source` is used for files that may be absent: custom.cfg.
        if (LoadsInitrd(name)) {
          contents.initrds.push_back(*path);
          if (!contents.kernels.empty()) contents.kernels.back().initrds.push_back(*path);
        }
        if (name == "configfile") contents.config_files.push_back(*path);
      }
    }
  }
  return contents;
}

}  // namespace trident
