// How a kickstart is taken apart: sections, includes, scripts, reports.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "common/kickstart/loader.h"
#include "tests/common/kickstart/kickstart_fixture.h"

namespace trident::kickstart::test {
namespace {

using Catch::Matchers::Contains;

constexpr char kFourSections[] =
    "%pre\necho 1\n%end\n%pre --interpreter=/bin/bash\necho 2\n%end\n"
    "%pre-install\necho 3\n%end\n%post --log=/var/log/x\necho 4\n\necho 5\n%end\n";

TEST_CASE("an empty kickstart becomes a configuration without a network") {
  const Translation translation = TranslateText("");
  REQUIRE(translation.configuration);
  CHECK(translation.problems.empty());
  CHECK(translation.configuration->management.self_upgrade);
  REQUIRE(translation.configuration->network_provision);
  CHECK(translation.configuration->network_provision->mapping.size() == 1);
  CHECK(translation.configuration->network_provision->Find("version")->scalar == "2");
  CHECK_FALSE(translation.configuration->network);
}

TEST_CASE("only %post becomes a script of the configuration, numbered among all") {
  const Translation translation = TranslateText(kFourSections);
  CHECK(Show(translation.problems) ==
        "SemanticWarning <kickstart>:7: warning: %pre-install: the script does not run: nothing "
        "happens between making file systems and writing images. Use %pre or %post\n");
  REQUIRE(translation.configuration);
  const auto& scripts = translation.configuration->scripts.post_configure;
  REQUIRE(scripts.size() == 1);
  CHECK(scripts[0].name == "kickstart-script-3");
  CHECK(scripts[0].servicing_type == std::vector{ScriptServicing::kCleanInstall});
  CHECK(scripts[0].interpreter == "/bin/sh");
  CHECK(scripts[0].content == "echo 4\n\necho 5");
  CHECK(scripts[0].log_file_path == "/var/log/x");
}

TEST_CASE("the %pre scripts run in order, before files are included") {
  MapFiles files;
  FakePreScripts scripts;
  scripts.files = &files;
  scripts.makes = {{"/tmp/parts.ks", "part / --grow\n"}};
  Options options;
  options.pre_scripts = &scripts;
  const Translation translation =
      Translate(StrCat(kFourSections, "%include /tmp/parts.ks\n"), "", files, options);
  INFO(Show(translation.problems));
  REQUIRE(translation.configuration);
  CHECK(translation.configuration->storage.disks.size() == 1);
  REQUIRE(scripts.ran.size() == 2);
  CHECK(scripts.ran[0].content == "echo 1");
  CHECK(scripts.ran[1].interpreter == "/bin/bash");
}

TEST_CASE("a %pre script that fails ends the translation, with everything else that is wrong") {
  FakePreScripts scripts;
  scripts.fails_at = 1;
  Options options;
  options.pre_scripts = &scripts;
  const Translation translation =
      Translate(StrCat(kFourSections, "%include /tmp/made-by-the-script\n%include bad.ks\n"), "",
                MapFiles{{"bad.ks", "bogus"}}, options);
  CHECK_FALSE(translation.configuration);
  CHECK(scripts.ran.size() == 1);
  const std::string problems = Show(translation.problems);
  CHECK_THAT(
      problems,
      Catch::StartsWith("PreScriptFailed <kickstart>:1: %pre: the script ended with status 3\n"));
  CHECK_THAT(problems, Contains("SemanticWarning <kickstart>:15: warning: %include"));
  CHECK_THAT(problems, Contains("UnknownCommand bad.ks:1:"));
}

TEST_CASE("no %pre script runs when the kickstart itself is wrong") {
  FakePreScripts scripts;
  Options options;
  options.pre_scripts = &scripts;
  const Translation translation = TranslateText(StrCat(kFourSections, "bogus\n"), options);
  CHECK_FALSE(translation.configuration);
  CHECK(scripts.ran.empty());
  // Told once, although the text was read twice.
  CHECK(translation.problems.size() == 2);
}

TEST_CASE("without an interface to run them %pre scripts do not run, and that is no fault") {
  const Translation translation = TranslateText("%pre\nexit 1\n%end\n");
  CHECK(translation.configuration);
  CHECK(translation.problems.empty());
}

TEST_CASE("included files are found beside the file that names them") {
  const MapFiles files{{"/ks/parts/outer.ks", "%include inner.ks\n%include ../top.ks\n"},
                       {"/ks/parts/inner.ks", "part / --grow\n"},
                       {"/ks/top.ks", "part swap --size=1\n"}};
  const Translation translation = Translate("%include parts/outer.ks\n", "/ks/main.ks", files, {});
  INFO(Show(translation.problems));
  REQUIRE(translation.configuration);
  CHECK(translation.configuration->storage.disks.at(0).partitions.size() == 2);
}

TEST_CASE("a missing file is a warning only where scripts that could make it do not run") {
  Options options;
  CHECK(Show(TranslateText("%include none\n", options).problems) ==
        "IncludeError <kickstart>:1: %include: cannot read none\n");
  options.missing_includes_allowed = true;
  const Translation translation = TranslateText("%include none\n", options);
  CHECK(translation.configuration);
  CHECK_THAT(Show(translation.problems), Catch::StartsWith("SemanticWarning <kickstart>:1: "));
}

TEST_CASE("a file that includes itself is one error, and the rest is read") {
  const MapFiles files(
      {{"main.ks", "part / --grow\n%include main.ks\npart swap --size=1\nbogus\n"}});
  const Translation translation = Translate(files.files.at("main.ks"), "main.ks", files, {});
  CHECK(Show(translation.problems) ==
        "IncludeError main.ks:2: %include: the file main.ks is being read already: it includes "
        "itself\n"
        "UnknownCommand main.ks:4: \"bogus\" is no command of a kickstart\n");
}

TEST_CASE("files that include each other many times over have an end") {
  MapFiles files;
  for (int i = 0; i < 30; ++i) {
    files.files[StrCat("f", i)] = StrCat("%include f", i + 1, "\n%include f", i + 1, "\n");
  }
  files.files["f30"] = "part /a --size=1\n";
  const Translation translation = Translate("%include f0\n", "", files, {});
  CHECK_FALSE(translation.configuration);
  CHECK_THAT(Show(translation.problems), Contains("more than 1000 files"));
  CHECK(translation.problems.size() <= kMostProblems + 1);
}

TEST_CASE("a chain of includes has a greatest depth") {
  MapFiles files;
  for (int i = 0; i < 40; ++i) files.files[StrCat("f", i)] = StrCat("%include f", i + 1, "\n");
  const Translation translation = Translate("%include f0\n", "", files, {});
  REQUIRE(translation.problems.size() == 1);
  CHECK_THAT(translation.problems[0].message, Contains("more than 32 deep"));
  CHECK_THAT(FormatProblem(translation.problems[0]), Contains("(included at <kickstart>:1)"));
}

TEST_CASE("%ksappend is replaced by the lines of its file, wherever it stands") {
  const MapFiles files{{"tail.ks", "echo appended\n%end\npart / --grow\n"}};
  const Translation translation =
      Translate("%post\n  %ksappend tail.ks\npart swap --size=1\nhello %ksappend\n", "", files, {});
  REQUIRE(translation.problems.size() == 1);
  CHECK(translation.problems[0].line.number == 4);
  CHECK(translation.problems[0].kind == ProblemKind::kUnknownCommand);
  const Translation good =
      Translate("%post\n  %ksappend tail.ks\npart swap --size=1\n", "", files, {});
  REQUIRE(good.configuration);
  CHECK(good.configuration->scripts.post_configure.at(0).content == "echo appended");
  CHECK(good.configuration->storage.disks.at(0).partitions.size() == 2);
}

TEST_CASE("the report for programs names kind, source, line and text") {
  const MapFiles files{{"app.ks", "part / --sise=1\n"}, {"inc.ks", "x 'y\n"}};
  const Translation translation =
      Translate("%ksappend app.ks\n%include inc.ks\nrootpw secret\n", "main.ks", files, {});
  const auto json = nlohmann::json::parse(ProblemsToJson(translation.problems));
  const auto expected = nlohmann::json::parse(R"([
    {"line": {"source": {"KsAppend": ["app.ks", {"source": {"File": "main.ks"}, "lineno": 1,
                                                 "raw": "%ksappend app.ks"}]},
              "lineno": 1, "raw": "part / --sise=1"},
     "error": {"SyntaxError": "part: the option --sise is not known"}},
    {"line": {"source": {"Include": ["inc.ks", {"source": {"File": "main.ks"}, "lineno": 2,
                                                "raw": "%include inc.ks"}]},
              "lineno": 1, "raw": "x 'y"},
     "error": "MismatechedQuotes"},
    {"line": {"source": {"File": "main.ks"}, "lineno": 3, "raw": "rootpw ***"},
     "error": {"DisallowedCommand": "rootpw: passwords are refused: dangerousOptions in the configuration of the agent, or the option --dangerous-options, allows them. Write --lock, and let people in with the command sshkey"}}
  ])");
  CHECK(json == expected);
  const auto inline_text = nlohmann::json::parse(ProblemsToJson(TranslateText("x").problems));
  CHECK(inline_text.at(0).at("line").at("source") == "InputString");
  CHECK(ProblemsToJson({}) == "[]");
}

TEST_CASE("only so many problems are listed, and that there are more is said") {
  std::string text;
  for (size_t i = 0; i < kMostProblems + 5; ++i) text += "bogus\n";
  const Translation translation = TranslateText(text);
  REQUIRE(translation.problems.size() == kMostProblems + 1);
  CHECK(translation.problems.back().line.number == kMostProblems + 1);
  CHECK_THAT(translation.problems.back().message, Contains("5 more problems"));
}

TEST_CASE("a kickstart over a bound is refused, not read in part") {
  struct Case {
    const char* name;
    std::string text;
    const char* problem;
  };
  const Case cases[] = {
      {"lines", std::string(kMostLines + 1, '\n'), "lines"},
      {"bytes", std::string(kMostBytes + 1, '#'), "bytes"},
      {"a long command", StrCat("part ", std::string(kLongestCommand, '/')), "longer than"},
      {"a long section", StrCat("%post ", std::string(kLongestCommand, 'x'), "\n%end"),
       "longer than"},
      {"a long append", StrCat("%ksappend ", std::string(kLongestCommand, 'x')), "longer than"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const Translation translation = TranslateText(c.text);
    CHECK_FALSE(translation.configuration);
    REQUIRE(translation.problems.size() == 1);
    CHECK_THAT(translation.problems[0].message, Contains(c.problem));
    CHECK(ProblemsToJson(translation.problems).size() < 3000);
  }
  std::string commands;
  for (int i = 0; i < 10'002; ++i) commands += "services --enabled=a\n";
  const Translation translation = TranslateText(commands);
  CHECK_FALSE(translation.configuration);
  CHECK_THAT(Show(translation.problems),
             Contains("<kickstart>:10001: there are more than 10000 commands"));
}

TEST_CASE("names of files cannot steer a terminal") {
  const Translation translation = Translate("x", "evil\x1b[31m.ks", MapFiles(), {});
  CHECK(FormatProblem(translation.problems.at(0)) ==
        "evil?[31m.ks:1: \"x\" is no command of a kickstart");
}

}  // namespace
}  // namespace trident::kickstart::test
