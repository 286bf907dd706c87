// Translating texts in tests.
#ifndef TRIDENT_TESTS_COMMON_KICKSTART_KICKSTART_FIXTURE_H_
#define TRIDENT_TESTS_COMMON_KICKSTART_KICKSTART_FIXTURE_H_

#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/kickstart/kickstart.h"

namespace trident::kickstart::test {

// Files in memory, by path.
class MapFiles : public SourceFiles {
 public:
  MapFiles() = default;
  MapFiles(std::initializer_list<std::pair<const std::string, std::string>> content)
      : files(content) {}

  absl::StatusOr<std::string> Read(const std::string& path) const override {
    const auto found = files.find(path);
    if (found == files.end()) return absl::NotFoundError(StrCat("cannot read ", path));
    return found->second;
  }

  std::map<std::string, std::string> files;
};

// Plays %pre scripts: remembers them, and does what the test says.
class FakePreScripts : public PreScriptRunner {
 public:
  absl::Status Run(const ScriptSection& script) override {
    ran.push_back(script);
    if (files != nullptr) {
      for (const auto& [path, content] : makes) files->files[path] = content;
    }
    return ran.size() == fails_at ? absl::InternalError("the script ended with status 3")
                                  : absl::OkStatus();
  }

  std::vector<ScriptSection> ran;
  MapFiles* files = nullptr;
  std::map<std::string, std::string> makes;
  size_t fails_at = 0;  // 1: the first
};

// "SyntaxError 3: message", one per line: in tests kinds matter, too.
inline std::string Show(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    StrAppend(&text, ProblemKindName(problem.kind), " ", FormatProblem(problem), "\n");
  }
  return text;
}

inline Translation TranslateText(const std::string& text, const Options& options = {}) {
  return Translate(text, "", MapFiles(), options);
}

}  // namespace trident::kickstart::test

#endif  // TRIDENT_TESTS_COMMON_KICKSTART_KICKSTART_FIXTURE_H_
