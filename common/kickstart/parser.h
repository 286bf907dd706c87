// Reads the lines of a kickstart: sections, includes, commands.
#ifndef TRIDENT_COMMON_KICKSTART_PARSER_H_
#define TRIDENT_COMMON_KICKSTART_PARSER_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/kickstart/loader.h"
#include "common/kickstart/model.h"
#include "common/kickstart/problem.h"
#include "common/kickstart/source.h"

namespace trident::kickstart {

// Bounds of what is read, beside those of the loader.
inline constexpr size_t kMostCommands = 10'000;
inline constexpr size_t kDeepestInclude = 32;

enum class Includes {
  kFollow,
  kFollowIfThere,  // a missing file is left out, with a warning
  kIgnore,
};

struct ParserOptions {
  Includes includes = Includes::kFollow;
  bool dangerous_passwords = false;
};

class Parser {
 public:
  // All must outlive the parser.
  Parser(Loader& loader, const ParserOptions& options, ProblemList& problems)
      : loader_(loader), options_(options), problems_(problems) {}

  // `lines`: those of the kickstart itself, preprocessed.
  Kickstart Parse(const std::vector<Line>& lines);

 private:
  void ParseLines(const std::vector<Line>& lines);
  // Each reads what begins at the first of `lines`, and gives how many of them it has read.
  size_t ParseSection(std::span<const Line> lines);
  size_t SkipUnknownSection(std::span<const Line> lines);
  void ParseScript(std::span<const Line> lines);
  void Include(const Line& line);
  void ParseCommand(const Line& line);

  Loader& loader_;
  const ParserOptions options_;
  ProblemList& problems_;
  Kickstart kickstart_;
  size_t commands_ = 0;
  // The files that are being read.
  std::vector<std::string> open_files_;
};

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_PARSER_H_
