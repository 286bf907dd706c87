#include "common/kickstart/parser.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <utility>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/format.h"
#include "common/kickstart/arguments.h"
#include "common/kickstart/commands.h"
#include "common/kickstart/shell_words.h"

namespace trident::kickstart {
namespace {

constexpr std::string_view kEnd = "%end";
constexpr std::string_view kInclude = "%include";
constexpr std::string_view kKsAppend = "%ksappend";

constexpr std::pair<std::string_view, ScriptSection::Kind> kScripts[] = {
    {"%pre", ScriptSection::Kind::kPre},
    {"%pre-install", ScriptSection::Kind::kPreInstall},
    {"%post", ScriptSection::Kind::kPost},
};
constexpr std::pair<std::string_view, std::string_view> kUnsupported[] = {
    {"%addon", "Leave it out, or do it in a %post script."},
    {"%anaconda", "Leave it out."},
    {"%onerror", "Leave it out: tridentctl and the agent's log tell what failed."},
    {"%packages", "The software of the host comes with the images that part --image names."},
};

constexpr OptionSpec kScriptOptions[] = {{"--interpreter"},
                                         {"--log", OptionKind::kValue, "--logfile"},
                                         {"--erroronfail", OptionKind::kFlag}};

std::optional<ScriptSection::Kind> ScriptKindOf(std::string_view word) {
  for (const auto& [name, kind] : kScripts) {
    if (name == word) return kind;
  }
  return std::nullopt;
}

// What to do instead; nothing when it is no such section.
std::optional<std::string_view> UnsupportedRemedyOf(std::string_view word) {
  for (const auto& [name, remedy] : kUnsupported) {
    if (name == word) return remedy;
  }
  return std::nullopt;
}

bool IsOpener(std::string_view word) {
  return ScriptKindOf(word).has_value() || UnsupportedRemedyOf(word).has_value();
}

// How many lines stand before the next %end or opener; all when there is neither.
size_t BodyLength(std::span<const Line> lines) {
  size_t length = 0;
  while (length < lines.size()) {
    const std::string_view word = FirstWord(lines[length].text);
    if (word == kEnd || IsOpener(word)) break;
    ++length;
  }
  return length;
}

// The words of the line; nothing, with a problem, when a quote is left open.
std::optional<std::vector<std::string>> WordsOf(const Line& line, ProblemList& problems) {
  if (line.text.size() > kLongestCommand) {
    problems.Add(ProblemKind::kSyntaxError, line,
                 StrCat("the line is longer than ", kLongestCommand, " bytes"));
    return std::nullopt;
  }
  auto words = SplitShellWords(line.text);
  if (!words) {
    problems.Add(ProblemKind::kMismatchedQuotes, line,
                 "a quote or a backslash is left open at the end of the line");
  }
  return words;
}

std::string MessageOf(const absl::Status& status) {
  std::string message(status.message());
  return message;
}

}  // namespace

Kickstart Parser::Parse(const std::vector<Line>& lines) {
  kickstart_ = {};
  commands_ = 0;
  open_files_.clear();
  if (!lines.empty() && lines.front().kind() == Source::Kind::kFile) {
    const std::filesystem::path file(lines.front().source->file);
    open_files_.push_back(file.lexically_normal().string());
  }
  ParseLines(lines);
  return std::move(kickstart_);
}

void Parser::ParseLines(const std::vector<Line>& all) {
  std::span<const Line> lines = all;
  while (!lines.empty()) {
    const Line& line = lines.front();
    const std::string_view word = FirstWord(line.text);
    size_t read = 1;
    if (word.empty() || word.starts_with('#')) {
      // Neither blank lines nor comments say anything.
    } else if (word == kInclude) {
      Include(line);
    } else if (word == kKsAppend) {
      problems_.Add(ProblemKind::kKsAppendError, line,
                    "%ksappend is followed in the kickstart itself only, not in a file that it "
                    "pulls in; write %include");
    } else if (word == kEnd) {
      problems_.Add(ProblemKind::kSyntaxError, line, "%end without a section that it could end");
    } else if (IsOpener(word)) {
      read = ParseSection(lines);
    } else if (word.starts_with('%')) {
      read = SkipUnknownSection(lines);
    } else {
      ParseCommand(line);
    }
    lines = lines.subspan(read);
  }
}

size_t Parser::ParseSection(std::span<const Line> lines) {
  const Line& opener = lines.front();
  const std::string name(FirstWord(opener.text));
  const size_t length = 1 + BodyLength(lines.subspan(1));
  if (length == lines.size()) {
    problems_.Add(ProblemKind::kUnexpectedEndOfFile, opener,
                  StrCat("the section ", name, " has no %end"));
    return length;
  }
  const Line& end = lines[length];
  if (FirstWord(end.text) != kEnd) {
    problems_.Add(ProblemKind::kSyntaxError, end,
                  StrCat("the section ", name, " of ", DescribePlace(opener),
                         " is still open; end it with %end"));
    return length;
  }
  if (const auto remedy = UnsupportedRemedyOf(name)) {
    problems_.Add(ProblemKind::kUnsupportedSection, opener,
                  StrCat("the section ", name, " has no equal in a Host Configuration. ", *remedy));
  } else {
    ParseScript(lines.subspan(0, length));
  }
  return length + 1;
}

size_t Parser::SkipUnknownSection(std::span<const Line> lines) {
  const Line& opener = lines.front();
  problems_.Add(ProblemKind::kUnknownSection, opener,
                StrCat("\"", Shorten(FirstWord(opener.text)), "\" is no section of a kickstart"));
  // What stands in it means nothing, but a misspelt directive must not swallow the rest. Its %end
  // is told of where it stands.
  const size_t length = 1 + BodyLength(lines.subspan(1));
  const bool has_end = length < lines.size() && FirstWord(lines[length].text) == kEnd;
  return has_end ? length : 1;
}

// `lines`: the opener and the body.
void Parser::ParseScript(std::span<const Line> lines) {
  const Line& opener = lines.front();
  const auto words = WordsOf(opener, problems_);
  if (!words) return;
  ScriptSection script;
  script.line = opener;
  script.kind = *ScriptKindOf(words->front());
  const CommandSpec spec = {.name = words->front(), .options = kScriptOptions};
  auto arguments = Arguments::Parse(spec, opener, *words, problems_);
  if (!arguments) return;
  if (auto interpreter = arguments->OfFormat("--interpreter", Format::kLine)) {
    script.interpreter = *std::move(interpreter);
  }
  script.log = arguments->OfFormat("--log", Format::kAbsolutePath);
  if (script.kind == ScriptSection::Kind::kPre && opener.kind() == Source::Kind::kInclude) {
    arguments->Fail(ProblemKind::kUnsupportedSection,
                    "the scripts run before files are included, so this one would not; put it "
                    "into the kickstart itself");
  }
  if (script.kind == ScriptSection::Kind::kPreInstall) {
    arguments->Fail(ProblemKind::kSemanticWarning,
                    "the script does not run: nothing happens between making file systems and "
                    "writing images. Use %pre or %post");
  }
  for (const Line& line : lines.subspan(1)) {
    if (FirstWord(line.text) == kInclude) {
      problems_.Add(ProblemKind::kSemanticWarning, line,
                    "%include is not followed inside of a section: the line is part of the script");
    }
    StrAppend(&script.content, &line == &lines[1] ? "" : "\n", line.text);
  }
  if (arguments->ok()) kickstart_.scripts.push_back(std::move(script));
}

void Parser::Include(const Line& line) {
  if (options_.includes == Includes::kIgnore) return;
  const auto words = WordsOf(line, problems_);
  if (!words) return;
  if (words->size() != 2) {
    problems_.Add(ProblemKind::kSyntaxError, line,
                  words->size() < 2
                      ? "%include: the name of the file is missing"
                      : "%include: only one file can be named; quote a name with blanks");
    return;
  }
  const auto fail = [&](const std::string& why) {
    problems_.Add(ProblemKind::kIncludeError, line, StrCat("%include: ", why));
  };
  const auto file = ResolveFileName(line, (*words)[1]);
  if (!file.ok()) return fail(MessageOf(file.status()));
  if (std::find(open_files_.begin(), open_files_.end(), *file) != open_files_.end()) {
    return fail(StrCat("the file ", Shorten(*file), " is being read already: it includes itself"));
  }
  if (open_files_.size() > kDeepestInclude) {
    return fail(StrCat("files are included more than ", kDeepestInclude, " deep"));
  }
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kInclude;
  source->file = *file;
  source->from = std::make_shared<Line>(line);
  const auto lines = loader_.LoadFile(source);
  if (absl::IsNotFound(lines.status()) && options_.includes == Includes::kFollowIfThere) {
    problems_.Add(ProblemKind::kSemanticWarning, line,
                  StrCat("%include: the file ", Shorten(*file),
                         " is not there and was left out; perhaps a %pre script makes it"));
    return;
  }
  if (!lines.ok()) return fail(MessageOf(lines.status()));
  open_files_.push_back(*file);
  ParseLines(*lines);
  open_files_.pop_back();
}

void Parser::ParseCommand(const Line& line) {
  // Told of once.
  if (++commands_ == kMostCommands + 1) {
    problems_.Add(
        ProblemKind::kSyntaxError, line,
        StrCat("there are more than ", kMostCommands, " commands; the rest was not read"));
  }
  if (commands_ > kMostCommands) return;
  const auto words = WordsOf(line, problems_);
  // A line of quotes around nothing has an empty word, but it has one.
  if (!words || words->empty()) return;
  ReadCommand(line, *words, {kickstart_, problems_, options_.dangerous_passwords});
}

}  // namespace trident::kickstart
