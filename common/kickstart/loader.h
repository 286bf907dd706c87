// Makes lines that know where they come from out of texts and files.
#ifndef TRIDENT_COMMON_KICKSTART_LOADER_H_
#define TRIDENT_COMMON_KICKSTART_LOADER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kickstart/problem.h"
#include "common/kickstart/source.h"
#include "common/kickstart/source_files.h"

namespace trident::kickstart {

// Of a kickstart with all that it pulls in. Files that include each other twice over would
// otherwise grow without an end.
inline constexpr size_t kMostLines = 200'000;
inline constexpr size_t kMostFiles = 1'000;
inline constexpr size_t kMostBytes = 16 << 20;
// Of a line with a command or a directive. Lines of scripts may be longer.
inline constexpr size_t kLongestCommand = 64 << 10;

class Loader {
 public:
  // `files` and `problems` stay with the caller and must outlive the loader.
  Loader(const SourceFiles& files, ProblemList& problems) : files_(files), problems_(problems) {}

  // The lines of `text`. Problems: lines that are no text. RESOURCE_EXHAUSTED: over a bound.
  absl::StatusOr<std::vector<Line>> LoadText(std::string_view text,
                                             const std::shared_ptr<const Source>& source);

  // The same for the file that `source` names. The status says why it cannot be read, NOT_FOUND
  // when there is none.
  absl::StatusOr<std::vector<Line>> LoadFile(const std::shared_ptr<const Source>& source);

 private:
  const SourceFiles& files_;
  ProblemList& problems_;
  size_t lines_ = 0;
  size_t loads_ = 0;
  size_t bytes_ = 0;
};

// The file that the line names: a relative name is beside the file that the line is in, and as it
// stands when it is in none. INVALID_ARGUMENT: a URL, or no name at all.
absl::StatusOr<std::string> ResolveFileName(const Line& line, const std::string& name);

// Every line "%ksappend FILE" replaced by the lines of the file, one level deep. A directive that
// cannot be followed becomes a problem and goes away.
std::vector<Line> Preprocess(const std::vector<Line>& lines, Loader& loader, ProblemList& problems);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_LOADER_H_
