#include "agent/host/command_runner.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

// What of a program's output a message quotes.
constexpr size_t kMostQuoted = 1024;

std::string LastLines(const std::string& text) {
  std::string stripped(absl::StripAsciiWhitespace(text));
  if (stripped.size() <= kMostQuoted) return stripped;
  stripped.erase(0, stripped.size() - kMostQuoted);
  if (const size_t line = stripped.find('\n'); line != std::string::npos) {
    stripped.erase(0, line + 1);
  }
  return "... " + stripped;
}

bool IsPlain(char letter) {
  return absl::ascii_isalnum(static_cast<unsigned char>(letter)) ||
         std::string_view("-_./=:,@%+").find(letter) != std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::string> CommandRunner::RunChecked(const Command& command) {
  TRIDENT_ASSIGN_OR_RETURN(CommandResult result, Run(command));
  if (result.exit_status == 0) return std::move(result.output);
  return ExitStatusError(command.argv, result);
}

absl::Status ExitStatusError(const std::vector<std::string>& argv, const CommandResult& result) {
  std::string said = LastLines(result.error_output);
  if (said.empty()) said = LastLines(result.output);
  return MakeError(absl::StatusCode::kInternal, "environment", "command-failed",
                   absl::StrCat("`", RenderCommand(argv), "` ended with exit status ",
                                result.exit_status, said.empty() ? "" : ": ", said));
}

std::string RenderCommand(const std::vector<std::string>& argv) {
  std::string line;
  for (const std::string& word : argv) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && std::all_of(word.begin(), word.end(), IsPlain)) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char letter : word) {
      if (letter == '\'') {
        line += "'\\''";
      } else {
        line += letter;
      }
    }
    line += '\'';
  }
  return line;
}

}  // namespace trident
