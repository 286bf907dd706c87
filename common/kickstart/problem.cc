#include "common/kickstart/problem.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/strings.h"
#include "common/kickstart/shell_words.h"

namespace trident::kickstart {
namespace {

using Json = nlohmann::ordered_json;

// Of a raw line in a report.
constexpr size_t kLongestRaw = 1000;
constexpr char kMask[] = "***";

// Commands with a password among their words.
constexpr std::array<std::string_view, 3> kSecretCommands = {"rootpw", "user", "sshpw"};
// Their options whose values may be shown.
constexpr std::array<std::string_view, 8> kOpenOptions = {
    "--name", "--username", "--groups", "--uid", "--gid", "--shell", "--homedir", "--gecos"};

template <typename List>
bool IsOneOf(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// By its name: --password, --passphrase, --wpakey, ... of any command.
bool IsSecretOption(std::string_view option) {
  const std::string name = AsciiToLower(option);
  return name.find("pas") != std::string::npos || name.find("secret") != std::string::npos ||
         name.ends_with("key");
}

std::string CutRaw(std::string_view text) {
  if (text.size() <= kLongestRaw) return std::string(text);
  size_t end = kLongestRaw;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return StrCat(text.substr(0, end), "...");
}

// The lines that pulled files in are quoted as well.
std::shared_ptr<const Source> Masked(const std::shared_ptr<const Source>& source) {
  if (source == nullptr || source->from == nullptr) return source;
  auto masked = std::make_shared<Source>(*source);
  auto from = std::make_shared<Line>(*source->from);
  from->text = CutRaw(MaskSecrets(from->text));
  from->source = Masked(from->source);
  masked->from = std::move(from);
  return masked;
}

Json ToJson(const Line& line);

Json ToJson(const Source* source) {
  if (source == nullptr) return "Unknown";
  switch (source->kind) {
    case Source::Kind::kUnknown:
      return "Unknown";
    case Source::Kind::kInputString:
      return "InputString";
    case Source::Kind::kFile:
      return Json{{"File", source->file}};
    case Source::Kind::kKsAppend:
      return Json{{"KsAppend", Json::array({source->file, ToJson(*source->from)})}};
    case Source::Kind::kInclude:
      return Json{{"Include", Json::array({source->file, ToJson(*source->from)})}};
  }
  return "Unknown";
}

Json ToJson(const Line& line) {
  Json json;
  json["source"] = ToJson(line.source.get());
  json["lineno"] = line.number;
  json["raw"] = line.text;
  return json;
}

}  // namespace

std::string_view ProblemKindName(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::kKsAppendError:
      return "KSAppendError";
    case ProblemKind::kMismatchedQuotes:
      return "MismatechedQuotes";
    case ProblemKind::kSyntaxError:
      return "SyntaxError";
    case ProblemKind::kIncludeError:
      return "IncludeError";
    case ProblemKind::kUnknownSection:
      return "UnknownSection";
    case ProblemKind::kUnexpectedEndOfFile:
      return "UnexpectedEndOfFile";
    case ProblemKind::kUnknownCommand:
      return "UnknownCommand";
    case ProblemKind::kUnsupportedCommand:
      return "UnsupportedCommand";
    case ProblemKind::kDisallowedCommand:
      return "DisallowedCommand";
    case ProblemKind::kUnsupportedSection:
      return "UnsupportedSection";
    case ProblemKind::kSemanticError:
      return "SemanticError";
    case ProblemKind::kSemanticWarning:
      return "SemanticWarning";
    case ProblemKind::kPreScriptFailed:
      return "PreScriptFailed";
    case ProblemKind::kTranslationError:
      return "TranslationError";
  }
  return "SyntaxError";
}

std::string MaskSecrets(std::string_view text) {
  const auto words = SplitShellWords(text);
  const std::string_view command = FirstWord(text);
  const bool is_secret_command = IsOneOf(kSecretCommands, command);
  if (!words) {
    // Where its words end is not known.
    return is_secret_command || IsSecretOption(text) ? StrCat(command, " ", kMask)
                                                     : std::string(text);
  }
  std::string masked;
  bool has_masked = false;
  std::string_view option;  // that the word may belong to
  for (size_t i = 0; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    std::string shown = word;
    if (word.starts_with("--")) {
      const size_t equals = word.find('=');
      const std::string_view name = std::string_view{word}.substr(0, equals);
      const bool is_secret =
          IsSecretOption(name) || (is_secret_command && !IsOneOf(kOpenOptions, name));
      if (equals != std::string::npos && is_secret) shown = StrCat(name, "=", kMask);
      option = equals == std::string::npos ? name : std::string_view();
    } else if (i > 0) {
      const bool is_secret =
          option.empty()
              ? is_secret_command
              : IsSecretOption(option) || (is_secret_command && !IsOneOf(kOpenOptions, option));
      if (is_secret) shown = kMask;
      option = {};
    }
    has_masked |= shown != word;
    StrAppend(&masked, i == 0 ? "" : " ", shown);
  }
  return has_masked ? masked : std::string(text);
}

void ProblemList::Add(ProblemKind kind, const Line& line, std::string message) {
  has_errors_ |= kind != ProblemKind::kSemanticWarning;
  if (problems_.size() >= kMostProblems) {
    if (left_out_++ == 0) first_left_out_ = line;
    return;
  }
  Problem problem{kind, line, std::move(message)};
  problem.line.text = CutRaw(MaskSecrets(line.text));
  problem.line.source = Masked(line.source);
  problems_.push_back(std::move(problem));
}

std::vector<Problem> ProblemList::Take() {
  if (left_out_ > 0) {
    Problem more{has_errors_ ? ProblemKind::kSyntaxError : ProblemKind::kSemanticWarning,
                 first_left_out_,
                 StrCat("from here on ", left_out_,
                        " more problems were found that are not listed; is this a kickstart?")};
    more.line.text.clear();
    more.line.source = Masked(more.line.source);
    problems_.push_back(std::move(more));
    left_out_ = 0;
  }
  return std::exchange(problems_, {});
}

std::string FormatProblem(const Problem& problem) {
  return StrCat(DescribePlace(problem.line), ": ", problem.is_warning() ? "warning: " : "",
                problem.message, DescribeOrigin(problem.line));
}

std::string ProblemsToJson(const std::vector<Problem>& problems) {
  Json list = Json::array();
  for (const Problem& problem : problems) {
    Json item;
    item["line"] = ToJson(problem.line);
    const std::string name(ProblemKindName(problem.kind));
    if (problem.kind == ProblemKind::kMismatchedQuotes) {
      item["error"] = name;
    } else {
      item["error"] = Json{{name, problem.message}};
    }
    list.push_back(std::move(item));
  }
  // Lines may hold any bytes: what is not UTF-8 is replaced rather than thrown about.
  return list.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace trident::kickstart
