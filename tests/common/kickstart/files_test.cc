// Whole kickstart files: broken ones with all their problems, good ones with what they become.
//
// The expected texts stand beside the files. With TRIDENT_WRITE_EXPECTED=1 in the environment the
// tests write them anew, to be read before they are committed.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/config/document.h"
#include "tests/common/kickstart/kickstart_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident::kickstart::test {
namespace {

constexpr char kFolder[] = TRIDENT_SOURCE_DIR "/tests/common/kickstart/";
constexpr char kExamples[] = TRIDENT_SOURCE_DIR "/docs/examples/kickstart/";

// Names of kickstarts are relative, so that problems do not depend on where the tests are.
class FolderFiles : public SourceFiles {
 public:
  explicit FolderFiles(std::string folder) : folder_(std::move(folder)) {}
  absl::StatusOr<std::string> Read(const std::string& path) const override {
    auto text = LocalFiles().Read(folder_ + path);
    if (text.ok()) return text;
    return absl::Status(text.status().code(), StrCat("cannot read ", path));
  }

 private:
  const std::string folder_;
};

std::vector<std::string> KickstartsIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".ks") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Translation TranslateFile(const std::string& folder, const std::string& name,
                          const Options& options = {}) {
  const FolderFiles files(folder);
  const auto text = files.Read(name);
  REQUIRE_OK(text);
  return Translate(*text, name, files, options);
}

void CompareWithFile(const std::string& actual, const std::string& path) {
  if (std::getenv("TRIDENT_WRITE_EXPECTED") != nullptr) {
    trident::test::WriteFile(path, actual);
    FAIL_CHECK("written, not compared: " << path);
    return;
  }
  CHECK(actual == trident::test::ReadFile(path));
}

TEST_CASE("every broken file tells all that is wrong, with file and line") {
  const std::string folder = StrCat(kFolder, "broken/");
  const auto names = KickstartsIn(folder);
  CHECK(names.size() >= 30);
  for (const std::string& name : names) {
    INFO(name);
    const Translation translation = TranslateFile(folder, name);
    CHECK_FALSE(translation.configuration);
    CompareWithFile(Show(translation.problems), StrCat(folder, name, ".expected"));
  }
}

TEST_CASE("every good file becomes what stands beside it") {
  const std::string folder = StrCat(kFolder, "good/");
  for (const std::string& name : KickstartsIn(folder)) {
    INFO(name);
    const Translation translation = TranslateFile(folder, name);
    INFO(Show(translation.problems));
    REQUIRE(translation.configuration);
    CompareWithFile(WriteHostConfiguration(*translation.configuration),
                    StrCat(folder, name, ".expected.yaml"));
  }
}

TEST_CASE("what becomes of a complete kickstart is a document that the agent takes") {
  const Translation translation = TranslateFile(StrCat(kFolder, "good/"), "complete.ks");
  CHECK(
      Show(translation.problems) ==
      "SemanticWarning complete.ks:27: warning: %include is not followed inside of a section: the "
      "line is part of the script\n");
  REQUIRE(translation.configuration);
  const auto parsed = ParseHostConfiguration(WriteHostConfiguration(*translation.configuration));
  REQUIRE_OK(parsed);
  CHECK(*parsed == *translation.configuration);
}

TEST_CASE("the examples of the documentation are translated") {
  Options options;
  options.missing_includes_allowed = true;
  const auto names = KickstartsIn(kExamples);
  CHECK(names.size() >= 4);
  // What their %pre scripts would write.
  const std::map<std::string, std::string> included = {{"disk-of-the-host.ks", "/tmp/parts.ks"},
                                                       {"machine.ks", "/tmp/machine-lines.ks"}};
  for (const std::string& name : names) {
    INFO(name);
    const Translation translation = TranslateFile(kExamples, name, options);
    REQUIRE(translation.configuration);
    const std::string problems = Show(translation.problems);
    REQUIRE_OK(ParseHostConfiguration(WriteHostConfiguration(*translation.configuration)));
    if (const auto missing = included.find(name); missing == included.end()) {
      CHECK(problems.empty());
    } else {
      CHECK_THAT(problems, Catch::Matchers::Contains(StrCat(missing->second, " is not there")));
      CHECK(translation.problems.size() == 1);
    }
  }
}

TEST_CASE("files of this host are read when they are regular and not too large") {
  const trident::test::TemporaryDirectory folder;
  trident::test::WriteFile(folder / "text", "part\n");
  trident::test::WriteFile(folder / "large", std::string(kMostFileBytes + 1, '#'));
  const LocalFiles files;
  REQUIRE_OK(files.Read(folder / "text"));
  CHECK(*files.Read(folder / "text") == "part\n");
  REQUIRE_ERROR(files.Read(folder / "none"), absl::StatusCode::kNotFound, "/none: No such file");
  REQUIRE_ERROR(files.Read(folder.path()), absl::StatusCode::kFailedPrecondition, "regular file");
  REQUIRE_ERROR(files.Read("/dev/zero"), absl::StatusCode::kFailedPrecondition, "regular file");
  REQUIRE_ERROR(files.Read(folder / "large"), absl::StatusCode::kResourceExhausted, "larger than");
}

}  // namespace
}  // namespace trident::kickstart::test
