#include "agent/boot/grub_script.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "agent/boot/text.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr std::array<std::string_view, 13> kKeywords = {
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "time", "{", "}"};

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool EndsCommand(char c) { return c == '\n' || c == ';' || c == '|' || c == '&'; }
bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<GrubCommand>> Parse() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (EndsCommand(c)) {
        EndCommand();
        ++at_;
      } else if (IsBlank(c)) {
        ++at_;
      } else if (IsContinuation(at_)) {
        SkipEscape();
      } else if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        TRIDENT_RETURN_IF_ERROR(ReadWord());
      }
    }
    EndCommand();
    return std::move(commands_);
  }

 private:
  // A backslash before the end of a line.
  bool IsContinuation(size_t at) const {
    if (text_[at] != '\\' || at + 1 >= text_.size()) return false;
    return text_[at + 1] == '\n' || text_.substr(at + 1, 2) == "\r\n";
  }

  void SkipEscape() {
    at_ += IsContinuation(at_) && text_[at_ + 1] == '\r' ? 3 : 2;
    at_ = std::min(at_, text_.size());
    if (text_[at_ - 1] == '\n') ++line_;
  }

  absl::Status SkipQuoted() {
    const size_t first_line = line_;
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (quote == '"' && text_[at_] == '\\') {
        SkipEscape();
        continue;
      }
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
    if (at_ >= text_.size()) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "boot", "grub-syntax",
                       absl::StrFormat("line %d: the quote %c is not closed", first_line, quote),
                       "Correct the configuration of GRUB in the image.");
    }
    ++at_;
    return absl::OkStatus();
  }

  absl::Status ReadWord() {
    const size_t begin = at_;
    const size_t line = line_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (IsBlank(c) || EndsCommand(c)) break;
      if (c == '\'' || c == '"') {
        TRIDENT_RETURN_IF_ERROR(SkipQuoted());
      } else if (c == '\\') {
        SkipEscape();
      } else if (c == '$' && text_.substr(at_, 2) == "${") {
        const size_t close = text_.find_first_of("}\n", at_);
        at_ = close == std::string_view::npos ? text_.size() : close;
        if (at_ < text_.size() && text_[at_] == '}') ++at_;
      } else {
        ++at_;
      }
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    const bool keyword = std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
    if (keyword && (command_.words.empty() || word == "{" || word == "}")) {
      EndCommand();
      return absl::OkStatus();
    }
    if (command_.words.empty()) command_.line = line;
    command_.words.push_back(GrubWord{begin, at_});
    return absl::OkStatus();
  }

  void EndCommand() {
    if (!command_.words.empty()) commands_.push_back(std::move(command_));
    command_ = GrubCommand();
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
  GrubCommand command_;
  std::vector<GrubCommand> commands_;
};

std::string_view WordText(std::string_view text, const GrubWord& word) {
  return text.substr(word.begin, word.end - word.begin);
}

// The name of the variable at `at` (behind the "$"), which moves behind it. Empty: no variable.
std::string ReadVariableName(std::string_view word, size_t& at) {
  std::string name;
  if (at < word.size() && word[at] == '{') {
    const size_t close = word.find('}', at);
    if (close == std::string_view::npos) return name;
    name = word.substr(at + 1, close - at - 1);
    at = close + 1;
    return name;
  }
  while (at < word.size() && IsNameCharacter(word[at])) name += word[at++];
  return name;
}

// `variables` null: they stay as they are written.
std::optional<std::string> Expand(std::string_view word, const GrubVariables* variables) {
  std::string result;
  char quote = 0;
  size_t at = 0;
  while (at < word.size()) {
    const char c = word[at];
    if (quote == '\'') {
      if (c == '\'') {
        quote = 0;
      } else {
        result += c;
      }
      ++at;
    } else if (c == '\\' && at + 1 < word.size()) {
      // Inside double quotes a backslash stands for itself before other characters.
      const char next = word[at + 1];
      if (quote == '"' && next != '"' && next != '\\' && next != '$' && next != '\n') result += c;
      if (next != '\n') result += next;
      at += 2;
    } else if (c == '"') {
      quote = quote == 0 ? '"' : 0;
      ++at;
    } else if (c == '\'' && quote == 0) {
      quote = '\'';
      ++at;
    } else if (c == '$' && variables != nullptr) {
      size_t behind = at + 1;
      const std::string name = ReadVariableName(word, behind);
      if (name.empty()) {
        result += c;
        ++at;
        continue;
      }
      const auto found = variables->find(name);
      if (found == variables->end()) return std::nullopt;
      result += found->second;
      at = behind;
    } else {
      result += c;
      ++at;
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<std::vector<GrubCommand>> ParseGrubScript(std::string_view text) {
  return Parser(text).Parse();
}

std::optional<std::string> ExpandGrubWord(std::string_view word, const GrubVariables& variables) {
  return Expand(word, &variables);
}

std::string UnquoteGrubWord(std::string_view word) { return Expand(word, nullptr).value_or(""); }

std::optional<GrubAssignment> AsAssignment(std::string_view text, const GrubCommand& command) {
  size_t index = 0;
  if (WordText(text, command.words[0]) == "set") {
    if (command.words.size() < 2) return std::nullopt;
    index = 1;
  }
  const GrubWord& word = command.words[index];
  const std::string_view assignment = WordText(text, word);
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  const std::string_view name = assignment.substr(0, equals);
  if (!std::all_of(name.begin(), name.end(), IsNameCharacter)) return std::nullopt;
  return GrubAssignment{std::string(name), GrubWord{word.begin + equals + 1, word.end}};
}

std::optional<GrubSearch> AsSearch(std::string_view text, const GrubCommand& command) {
  const std::string_view name = WordText(text, command.words[0]);
  std::vector<std::string> arguments;
  for (size_t index = 1; index < command.words.size(); ++index) {
    arguments.push_back(UnquoteGrubWord(WordText(text, command.words[index])));
  }
  GrubSearch search;
  if (name == "search.fs_uuid" || name == "search.fs_label" || name == "search.file") {
    // search.fs_uuid UUID [VARIABLE] [HINT...]
    search.by = name == "search.fs_uuid"    ? GrubSearch::By::kFilesystemUuid
                : name == "search.fs_label" ? GrubSearch::By::kLabel
                                            : GrubSearch::By::kFile;
    if (!arguments.empty()) search.wanted = arguments[0];
    if (arguments.size() > 1) search.variable = arguments[1];
    return search;
  }
  if (name != "search") return std::nullopt;
  bool wanted_is_next = false;
  for (size_t index = 0; index < arguments.size(); ++index) {
    std::string_view argument = arguments[index];
    if (argument.size() < 2 || argument[0] != '-') {
      if (search.wanted.empty() || wanted_is_next) search.wanted = argument;
      wanted_is_next = false;
    } else if (ConsumePrefix(argument, "--")) {
      if (argument.starts_with("set=")) search.variable = argument.substr(4);
      wanted_is_next = true;
      if (argument == "fs-uuid") {
        search.by = GrubSearch::By::kFilesystemUuid;
      } else if (argument == "label" || argument == "fs-label") {
        search.by = GrubSearch::By::kLabel;
      } else if (argument == "file") {
        search.by = GrubSearch::By::kFile;
      } else {
        wanted_is_next = false;
      }
      // --hint DEVICE, --hint-efi DEVICE; with "=" it is one word.
      if (argument.starts_with("hint") && argument.find('=') == std::string_view::npos) ++index;
    } else {
      for (const char letter : argument.substr(1)) {
        if (letter == 'u') search.by = GrubSearch::By::kFilesystemUuid;
        if (letter == 'l') search.by = GrubSearch::By::kLabel;
        if (letter == 'f') search.by = GrubSearch::By::kFile;
        if (letter == 'h') ++index;
        if (letter == 'u' || letter == 'l' || letter == 'f') wanted_is_next = true;
      }
    }
  }
  return search;
}

}  // namespace trident
