#include "agent/boot/kernel_options.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/boot/config_files.h"
#include "agent/boot/grub_script.h"
#include "agent/boot/loader_entry.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Kind = BootConfigFile::Kind;

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The words of a command line; quotes do not matter, since our own words have none.
std::vector<Span> WordsOf(std::string_view text) {
  std::vector<Span> words;
  for (size_t at = 0; at < text.size();) {
    if (IsSpace(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !IsSpace(text[end])) ++end;
    words.push_back({at, end});
    at = end;
  }
  return words;
}

std::string_view WordText(std::string_view text, const Span& word) {
  return text.substr(word.begin, word.end - word.begin);
}

// How many words follow the marker; no value: another word.
std::optional<size_t> MarkedCount(std::string_view word) {
  if (!ConsumePrefix(word, kExtraOptionsMarker)) return std::nullopt;
  size_t count = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return count;
}

std::string AddedText(const std::vector<std::string>& options) {
  if (options.empty()) return "";
  std::string text = absl::StrCat(" ", kExtraOptionsMarker, options.size());
  for (const std::string& option : options) absl::StrAppend(&text, " ", option);
  return text;
}

struct Edit {
  Span span;  // what goes
  std::string text;
};

// What of `words`, which stand in `text` one after the other, goes, and where the new ones come:
// behind the last that stays, or before "--", behind which all belongs to the first process.
void PlanEdits(std::string_view text, const std::vector<Span>& words,
               const std::vector<std::string>& options, std::vector<Edit>& edits) {
  size_t last_end = words.empty() ? 0 : words.front().begin;
  bool is_open = true;
  std::vector<Edit> removals;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::optional<size_t> count = MarkedCount(WordText(text, words[i]));
    if (!count) {
      if (WordText(text, words[i]) == "--") is_open = false;
      if (is_open) last_end = words[i].end;
      continue;
    }
    const size_t last = std::min(words.size() - 1, i + *count);
    const size_t begin = i == 0 ? words[i].begin : words[i - 1].end;
    removals.push_back({{begin, words[last].end}, ""});
    i = last;
  }
  std::string added = AddedText(options);
  // At the beginning of a line no blank is needed.
  if (last_end == (words.empty() ? 0 : words.front().begin) && !added.empty()) added.erase(0, 1);
  removals.push_back({{last_end, last_end}, std::move(added)});
  std::stable_sort(removals.begin(), removals.end(),
                   [](const Edit& a, const Edit& b) { return a.span.begin < b.span.begin; });
  edits.insert(edits.end(), std::make_move_iterator(removals.begin()),
               std::make_move_iterator(removals.end()));
}

std::string Apply(std::string_view text, const std::vector<Edit>& edits) {
  std::string result;
  size_t done = 0;
  for (const Edit& edit : edits) {
    if (edit.span.begin > done) result += text.substr(done, edit.span.begin - done);
    result += edit.text;
    done = std::max(done, edit.span.end);
  }
  result += text.substr(done);
  return result;
}

bool LoadsLinux(std::string_view command) {
  return command == "linux" || command == "linuxefi" || command == "linux16";
}

// Without changing anything when the file is as wanted.
absl::Status Replace(Files& files, const std::string& path, const std::string& name,
                     std::string_view old_text, const std::string& new_text,
                     const std::function<absl::Status(const std::string&)>& before_change) {
  if (new_text == old_text) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(before_change(path));
  return Annotate(files.Write(path, new_text, 0),
                  absl::StrCat("put the options of the kernel into ", name));
}

// Of a system that makes GRUB's configuration by itself.
absl::Status SetGrubDefaults(Files& files, const std::string& root,
                             const std::vector<std::string>& options,
                             const std::function<absl::Status(const std::string&)>& before_change) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string defaults,
                           ResolveBelow(files, root, "/etc/default/grub"));
  TRIDENT_ASSIGN_OR_RETURN(const std::string path, ResolveBelow(files, root, kGrubExtraOptions));
  const bool is_there = files.Exists(path);
  if (!is_there && (options.empty() || !files.Exists(defaults))) return absl::OkStatus();
  if (options.empty()) {
    TRIDENT_RETURN_IF_ERROR(before_change(path));
    return files.Remove(path);
  }
  const std::string text = absl::StrCat(
      "# Written by the agent from osconfig.kernelCommandLine of the Host Configuration.\n",
      "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX", AddedText(options), "\"\n");
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!files.IsDirectory(folder)) {
    TRIDENT_RETURN_IF_ERROR(before_change(folder));
    TRIDENT_RETURN_IF_ERROR(files.MakeDirectories(folder, 0755));
  }
  std::string old_text;
  if (is_there) {
    TRIDENT_ASSIGN_OR_RETURN(old_text, files.Read(path));
  }
  return Replace(files, path, kGrubExtraOptions, old_text, text, before_change);
}

}  // namespace

std::string SetExtraOptions(std::string_view command_line,
                            const std::vector<std::string>& options) {
  std::vector<Edit> edits;
  PlanEdits(command_line, WordsOf(command_line), options, edits);
  return Apply(command_line, edits);
}

absl::StatusOr<std::string> SetGrubExtraOptions(std::string_view text,
                                                const std::vector<std::string>& options) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<GrubCommand> commands, ParseGrubScript(text));
  std::vector<Edit> edits;
  for (const GrubCommand& command : commands) {
    std::vector<Span> words;
    for (const GrubWord& word : command.words) words.push_back({word.begin, word.end});
    if (words.size() < 2 || !LoadsLinux(WordText(text, words[0]))) continue;
    PlanEdits(text, words, options, edits);
  }
  return Apply(text, edits);
}

std::string SetLoaderEntryExtraOptions(std::string_view text,
                                       const std::vector<std::string>& options) {
  if (ReadLoaderEntry(text).linux_path.empty()) return std::string(text);
  constexpr std::string_view kKey = "options";
  std::vector<std::string> lines;
  std::optional<size_t> last;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    const bool is_options = trimmed.starts_with(kKey) &&
                            (trimmed.size() == kKey.size() || IsSpace(trimmed[kKey.size()]));
    if (is_options) last = lines.size();
    lines.push_back(is_options ? SetExtraOptions(line, {}) : std::string(line));
  }
  if (last) {
    lines[*last] = SetExtraOptions(lines[*last], options);
  } else if (!options.empty()) {
    const bool ends_with_newline = !lines.empty() && lines.back().empty();
    lines.insert(ends_with_newline ? lines.end() - 1 : lines.end(),
                 absl::StrCat("options", AddedText(options)));
  }
  std::string result;
  for (size_t i = 0; i < lines.size(); ++i) absl::StrAppend(&result, i == 0 ? "" : "\n", lines[i]);
  return result;
}

std::string SetCommandLineFileExtraOptions(std::string_view text,
                                           const std::vector<std::string>& options) {
  std::vector<std::string> lines;
  std::optional<size_t> last;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    const bool counts = !trimmed.empty() && !trimmed.starts_with('#');
    if (counts) last = lines.size();
    lines.push_back(counts ? SetExtraOptions(line, {}) : std::string(line));
  }
  if (last) lines[*last] = SetExtraOptions(lines[*last], options);
  std::string result;
  for (size_t i = 0; i < lines.size(); ++i) absl::StrAppend(&result, i == 0 ? "" : "\n", lines[i]);
  return result;
}

std::vector<std::string> ExtraOptionsOf(std::string_view command_line) {
  std::vector<std::string> options;
  const std::vector<Span> words = WordsOf(command_line);
  for (size_t i = 0; i < words.size(); ++i) {
    const std::optional<size_t> count = MarkedCount(WordText(command_line, words[i]));
    if (!count) continue;
    const size_t last = std::min(words.size() - 1, i + *count);
    for (++i; i <= last; ++i) options.emplace_back(WordText(command_line, words[i]));
    break;
  }
  return options;
}

absl::StatusOr<std::vector<KernelOptionsChange>> PlanKernelOptions(
    const Files& files, const Loader& loader, const std::string& esp, const std::string& root,
    const std::vector<std::string>& options) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<BootConfigFile> configs,
                           FindBootConfigFiles(files, loader, esp, root));
  std::vector<KernelOptionsChange> changes;
  bool is_used = false;
  for (const BootConfigFile& file : configs) {
    absl::StatusOr<std::string> text = files.Read(file.path);
    if (!text.ok()) return Annotate(text.status(), absl::StrCat("Reading ", file.name));
    std::string new_text = *text;
    switch (file.kind) {
      case Kind::kGrubStub:
      case Kind::kGrubConfig: {
        absl::StatusOr<std::string> config = SetGrubExtraOptions(*text, options);
        if (!config.ok()) return Annotate(config.status(), file.name);
        new_text = *std::move(config);
        is_used = is_used || new_text.find(kExtraOptionsMarker) != std::string::npos;
        break;
      }
      case Kind::kLoaderEntry:
        new_text = SetLoaderEntryExtraOptions(*text, options);
        is_used = is_used || new_text.find(kExtraOptionsMarker) != std::string::npos;
        break;
      case Kind::kKernelCommandLine:
        new_text = SetCommandLineFileExtraOptions(*text, options);
        break;
      case Kind::kGrubEnvironment:
      case Kind::kGrubDefaults:
        break;
    }
    if (new_text != *text) changes.push_back({file, *std::move(text), std::move(new_text)});
  }
  if (!options.empty() && !is_used) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "no-kernel-line",
                     absl::StrCat("osconfig.kernelCommandLine: no configuration of ",
                                  std::string(LoaderKindName(loader.kind)),
                                  " starts a kernel that the options could be given to"),
                     "Start the kernel from a grub.cfg or a loader entry of the image.");
  }
  return changes;
}

absl::Status SetKernelOptions(
    Files& files, const Loader& loader, const std::string& esp, const std::string& root,
    const std::vector<std::string>& options,
    const std::function<absl::Status(const std::string& path)>& before_change) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<KernelOptionsChange> changes,
                           PlanKernelOptions(files, loader, esp, root, options));
  for (const KernelOptionsChange& change : changes) {
    TRIDENT_RETURN_IF_ERROR(Replace(files, change.file.path, change.file.name, change.old_text,
                                    change.new_text, before_change));
  }
  TRIDENT_RETURN_IF_ERROR(SetGrubDefaults(files, root, options, before_change));
  TRIDENT_RETURN_IF_ERROR(files.SyncFileSystem(esp));
  return files.SyncFileSystem(root);
}

}  // namespace trident
