#include "common/kickstart/loader.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/base/yaml_document.h"
#include "common/kickstart/shell_words.h"

namespace trident::kickstart {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

absl::Status TooMuch(const std::string& what) {
  return MakeError(absl::StatusCode::kResourceExhausted, "invalid-input", "kickstart",
                   StrCat("the kickstart and what it pulls in have more than ", what));
}

// What keeps a line from being text; nothing when it is.
std::optional<std::string> FaultOf(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "the line has a NUL byte, so it is no text";
  const size_t at = FindInvalidUtf8(text);
  if (at == std::string_view::npos) return std::nullopt;
  return StrCat("the line is not UTF-8: its byte ", at + 1, " is wrong");
}

// The lines of the file that a %ksappend names; none with a problem.
std::vector<Line> Appended(const Line& line, Loader& loader, ProblemList& problems) {
  const auto fail = [&](const std::string& message) {
    problems.Add(ProblemKind::kKsAppendError, line, StrCat("%ksappend: ", message));
    return std::vector<Line>();
  };
  if (line.text.size() > kLongestCommand) {
    return fail(StrCat("the line is longer than ", kLongestCommand, " bytes"));
  }
  const auto words = SplitShellWords(line.text);
  if (!words) return fail("a quote or a backslash is left open");
  if (words->size() < 2) return fail("the name of the file is missing");
  if (words->size() > 2) return fail("only one file can be named; quote a name with blanks");
  const auto file = ResolveFileName(line, (*words)[1]);
  if (!file.ok()) return fail(std::string{file.status().message()});
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kKsAppend;
  source->file = *file;
  source->from = std::make_shared<Line>(line);
  auto lines = loader.LoadFile(source);
  if (!lines.ok()) return fail(std::string{lines.status().message()});
  return *std::move(lines);
}

}  // namespace

absl::StatusOr<std::vector<Line>> Loader::LoadText(std::string_view text,
                                                   const std::shared_ptr<const Source>& source) {
  bytes_ += text.size();
  if (bytes_ > kMostBytes) return TooMuch(StrCat(kMostBytes, " bytes"));
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  // A line break ends a line, it does not begin one.
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<Line> lines;
  if (text.empty()) return lines;
  for (std::string_view part : StrSplit(text, '\n')) {
    if (++lines_ > kMostLines) return TooMuch(StrCat(kMostLines, " lines"));
    if (part.ends_with('\r')) part.remove_suffix(1);
    Line line{source, static_cast<uint32_t>(lines.size() + 1), std::string(part)};
    if (auto fault = FaultOf(part)) {
      problems_.Add(ProblemKind::kSyntaxError, line, *std::move(fault));
      line.text.clear();
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

absl::StatusOr<std::vector<Line>> Loader::LoadFile(const std::shared_ptr<const Source>& source) {
  if (++loads_ > kMostFiles) return TooMuch(StrCat(kMostFiles, " files"));
  TRIDENT_ASSIGN_OR_RETURN(const std::string text, files_.Read(source->file));
  return LoadText(text, source);
}

absl::StatusOr<std::string> ResolveFileName(const Line& line, const std::string& name) {
  const auto refuse = [](const std::string& message) {
    return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "kickstart", message);
  };
  if (name.empty()) return refuse("the name of the file is empty");
  if (name.find("://") != std::string::npos) {
    return refuse(StrCat(Shorten(name),
                         " is a URL, and only files of this host can be read: fetch "
                         "it first, in a %pre script"));
  }
  std::filesystem::path path(name);
  if (path.is_relative() && line.source != nullptr) {
    path = std::filesystem::path(line.source->file).parent_path() / path;
  }
  return path.lexically_normal().string();
}

std::vector<Line> Preprocess(const std::vector<Line>& lines, Loader& loader,
                             ProblemList& problems) {
  std::vector<Line> out;
  for (const Line& line : lines) {
    if (FirstWord(line.text) != "%ksappend") {
      out.push_back(line);
      continue;
    }
    std::vector<Line> appended = Appended(line, loader, problems);
    out.insert(out.end(), std::make_move_iterator(appended.begin()),
               std::make_move_iterator(appended.end()));
  }
  return out;
}

}  // namespace trident::kickstart
