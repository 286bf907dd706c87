// No input makes the translation crash, hang or grow.
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "common/config/document.h"
#include "tests/common/kickstart/kickstart_fixture.h"
#include "tests/support/temporary_directory.h"

namespace trident::kickstart::test {
namespace {

constexpr int kRoundsPerText = 60;

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const char* folder : {"broken", "good"}) {
    const std::string path = StrCat(TRIDENT_SOURCE_DIR, "/tests/common/kickstart/", folder);
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() == ".ks") {
        seeds.push_back(trident::test::ReadFile(entry.path().string()));
      }
    }
  }
  // The order of a folder is not defined, and a failure must be reproducible.
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  std::string Mutate(std::string text, const std::string& other) {
    const size_t changes = 1 + Below(8);
    for (size_t i = 0; i < changes; ++i) {
      const size_t at = Below(text.size() + 1);
      const size_t length = Below(std::min<size_t>(40, text.size() - at) + 1);
      switch (Below(5)) {
        case 0:
          text.insert(at, 1, static_cast<char>(Below(256)));
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, text.substr(Below(text.size() + 1), length));
          break;
        case 3:
          text.insert(at, other.substr(Below(other.size() + 1), 40));
          break;
        default:
          text.insert(at, kPieces[Below(std::size(kPieces))]);
          break;
      }
    }
    return text;
  }

 private:
  static constexpr const char* kPieces[] = {"\n%end\n",
                                            "\n%pre\n",
                                            "%include ",
                                            "%ksappend ",
                                            "'",
                                            "\"",
                                            "\\",
                                            "=",
                                            ",",
                                            ";",
                                            "--",
                                            "\n",
                                            "\r",
                                            "#",
                                            "0",
                                            "/",
                                            "99999999999999999999",
                                            "::",
                                            "--device=",
                                            "--vlanid=4094",
                                            "\xff",
                                            "swap",
                                            "part ",
                                            "%"};

  size_t Below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  std::mt19937 random_;
};

TEST_CASE("whatever is made of the files, they are translated or all their problems have a place") {
  const std::vector<std::string> seeds = Seeds();
  REQUIRE(seeds.size() > 30);
  Mutator mutator(20);
  size_t translated = 0;
  for (size_t i = 0; i < seeds.size(); ++i) {
    for (int round = 0; round < kRoundsPerText; ++round) {
      const std::string text = mutator.Mutate(seeds[i], seeds[(i + 7) % seeds.size()]);
      const MapFiles files{{"not-there.ks", seeds[(i + 1) % seeds.size()]}, {"self", text}};
      FakePreScripts scripts;
      Options options;
      options.dangerous_passwords = round % 2 == 0;
      if (round % 3 == 0) options.pre_scripts = &scripts;
      options.missing_includes_allowed = round % 5 == 0;
      const Translation translation = Translate(text, "self", files, options);
      CAPTURE(text);
      bool has_errors = false;
      for (const Problem& problem : translation.problems) {
        has_errors |= !problem.is_warning();
        REQUIRE(problem.line.source != nullptr);
        REQUIRE_FALSE(problem.message.empty());
      }
      REQUIRE(has_errors != translation.configuration.has_value());
      REQUIRE_FALSE(ProblemsToJson(translation.problems).empty());
      if (!translation.configuration) continue;
      ++translated;
      // What is written can be read, and is refused for what is missing at most.
      const auto parsed =
          ParseHostConfiguration(WriteHostConfiguration(*translation.configuration));
      if (parsed.ok()) {
        REQUIRE(*parsed == *translation.configuration);
      } else {
        for (const Finding& finding : GetErrorDetail(parsed.status()).findings) {
          CAPTURE(finding.path, finding.reason);
          const bool is_missing =
              finding.path == "storage.mountPoints" || finding.path == "management.datastorePath";
          REQUIRE(is_missing);
        }
      }
    }
  }
  CHECK(translated > 0);
}

}  // namespace
}  // namespace trident::kickstart::test
