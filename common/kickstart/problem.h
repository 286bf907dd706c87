// What is wrong with a kickstart: collected rather than thrown, so that all is told at once.
#ifndef TRIDENT_COMMON_KICKSTART_PROBLEM_H_
#define TRIDENT_COMMON_KICKSTART_PROBLEM_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/kickstart/source.h"

namespace trident::kickstart {

enum class ProblemKind {
  kKsAppendError,
  kMismatchedQuotes,
  kSyntaxError,
  kIncludeError,
  kUnknownSection,
  kUnexpectedEndOfFile,
  kUnknownCommand,
  kUnsupportedCommand,
  kDisallowedCommand,
  kUnsupportedSection,
  kSemanticError,
  kSemanticWarning,  // the only kind that does not fail the translation
  kPreScriptFailed,
  kTranslationError,
};

// As it is written in the list for programs. Part of its format, misspelling included.
std::string_view ProblemKindName(ProblemKind kind);

struct Problem {
  ProblemKind kind = ProblemKind::kSyntaxError;
  // Its text has no passwords any more, and is cut when it is very long.
  Line line;
  std::string message;  // what is wrong, and what to write instead

  bool is_warning() const { return kind == ProblemKind::kSemanticWarning; }
};

// After so many the rest is only counted: nobody reads more, and a file that is no kickstart at
// all has one in every line.
inline constexpr size_t kMostProblems = 1000;

class ProblemList {
 public:
  void Add(ProblemKind kind, const Line& line, std::string message);

  // Some problem is no warning.
  bool has_errors() const { return has_errors_; }
  size_t count() const { return problems_.size() + left_out_; }
  // In the order in which they were found. When some were left out, the last one says so.
  std::vector<Problem> Take();

 private:
  std::vector<Problem> problems_;
  bool has_errors_ = false;
  size_t left_out_ = 0;
  Line first_left_out_;
};

// "ks.cfg:12: message (included at ...)"; a warning says that it is one.
std::string FormatProblem(const Problem& problem);

// The list for programs: a JSON array of {"line": {"source", "lineno", "raw"}, "error": {kind:
// text}}, pretty printed, without a line break at the end.
std::string ProblemsToJson(const std::vector<Problem>& problems);

// `text`, a line of a kickstart, with "***" in place of everything that is a password or could be.
std::string MaskSecrets(std::string_view text);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_PROBLEM_H_
