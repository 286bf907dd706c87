#include "common/base/yaml_document.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "common/base/yaml_scalar.h"
#include "common/base/yaml_writer.h"

namespace trident {
namespace {

std::string Repeat(const std::string& text, size_t count) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

// Blocks inside each other: "a:\n a:\n  a: ..."
std::string NestedBlock(size_t depth) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += std::string(i, ' ') + "a:\n";
  return text;
}

std::string AliasBomb() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 1; j < 10; ++j) text += ", " + before;
    text += "]\n";
  }
  return text;
}

TEST_CASE("a tree knows where every value and key stood") {
  const YamlDocument document =
      LoadYaml("storage:\n  disks:\n    - id: sys\n      device: /dev/a\n");
  REQUIRE(document.findings.empty());
  REQUIRE(document.root != nullptr);
  const YamlNode* const disks = document.root->Find("storage")->Find("disks");
  REQUIRE(disks->sequence.size() == 1);
  const YamlNode& disk = *disks->sequence[0];
  CHECK(disk.line == 3);
  CHECK(disk.column == 7);
  CHECK(disk.mapping[1].line == 4);
  CHECK(disk.mapping[1].column == 7);
  CHECK(disk.Find("device")->line == 4);
  CHECK(disk.Find("device")->column == 15);
  CHECK(disk.Find("nothing") == nullptr);
}

TEST_CASE("hostile and broken documents are refused with a finding") {
  struct Case {
    const char* name;
    std::string text;
    const char* reason;
    uint32_t line;
  };
  const Case cases[] = {
      {"an unclosed double quote", "a: \"text\nb: 1\n", "begins here is not closed", 1},
      {"an unclosed double quote after an escaped one", "a: 'x'\nb: \"te\\\"xt's\nc: 1\n",
       "begins here is not closed", 2},
      {"an unclosed single quote", "a: 'text", "begins here is not closed", 1},
      {"an unclosed single quote after a doubled one", "a: \"x\"\nb: 'it''s \"so\"\nc: 1\n",
       "begins here is not closed", 2},
      {"an unclosed quote after a block with quotes", "a: |\n  it's\nb:\n  - 'x\n",
       "begins here is not closed", 4},
      {"an unclosed flow list", "a: [1, 2", "list that \"[\" begins in line 1, column 4", 2},
      {"an unclosed flow mapping", "a: {b: 1", "mapping that \"{\" begins in line 1, column 4", 2},
      {"a bracket too much", "a: 1]\nb: ]\n", "was not opened", 2},
      {"a key where none can be", "a: b: c\n", "a colon cannot stand here", 1},
      {"a wrong indentation", "a: 1\n  b: 2\n", "a colon cannot stand here", 2},
      {"an item that is indented less than its list", "a:\n  - b: 1\n c: 1\n",
       "the indentation fits nothing above", 3},
      {"an item among keys", "a: 1\n- b\n", "the indentation fits nothing above", 2},
      {"a tab after blanks", "a:\n  b: 1\n  \tc: 1\n", "a tab stands in the indentation", 3},
      {"a tab", "a:\n\tb: 1\n", "a tab stands in the indentation", 2},
      {"a character that begins nothing", "a: 1\nb: @x\n", "cannot begin with this character", 2},
      {"an alias without an anchor", "a: *nothing\n", "anchor", 1},
      {"a NUL byte", std::string("a: x\nb: y\0z\n", 12), "NUL byte", 2},
      {"an escaped NUL", "a: 1\nb: \"x\\0y\"\n", "NUL character", 2},
      {"the byte 4, which ends the text for the parser", "a: 1\n\x04secret: 2\n", "04", 2},
      {"an escape sequence of terminals", "a: \x1b[31m\n", "1b", 1},
      {"invalid UTF-8", "a: 1\nb: caf\xE9\n", "UTF-8", 2},
      {"an overlong form", "a: \xC0\xAF\n", "UTF-8", 1},
      {"a surrogate", "a: \xED\xA0\x80\n", "UTF-8", 1},
      {"a document over 4 MiB", "a: " + std::string(kMaxYamlBytes, 'x'), "bytes", 0},
      {"10,000 flow lists inside each other", Repeat("[", 10000), "deeper than 64", 1},
      {"10,000 flow mappings inside each other", Repeat("{a: ", 10000), "deeper than 64", 1},
      {"10,000 lists on one line", Repeat("- ", 10000), "deeper than 64", 1},
      {"2,000 blocks inside each other", NestedBlock(1900), "deeper than 64", 65},
      {"10,000 explicit keys inside each other", Repeat("? ", 10000), "deeper than 64", 1},
      {"65 levels", Repeat("[", 65) + Repeat("]", 65), "deeper than 64", 1},
      {"an alias bomb", AliasBomb(), "100000 values", 5},
      {"an alias inside of its anchor", "a: &a [1, *a]\n", "inside of what it refers to", 1},
      {"aliases that add up to too much depth",
       "a: &a " + Repeat("[", 40) + Repeat("]", 40) + "\nb: " + Repeat("[", 30) + "*a" +
           Repeat("]", 30) + "\n",
       "deeper than 64", 2},
      {"a long text repeated by aliases",
       "a: &a " + std::string(1 << 20, 'x') + "\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n",
       "bytes of text", 2},
      {"4 MiB of open brackets", std::string(kMaxYamlBytes, '['), "brackets", 0},
      {"4 MiB of commas", "[" + std::string(kMaxYamlBytes - 1, ','), "brackets", 0},
      {"4 MiB of colons in a flow mapping", "{" + Repeat("a :\n", 1'000'000), "colons", 0},
      {"4 MiB of tags", Repeat("!a ", 1'300'000), "brackets", 0},
      {"too many values", "[" + Repeat("1,", kMaxYamlNodes) + "1]", "100000 values", 1},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const YamlDocument document = LoadYaml(c.text);
      CHECK(document.root == nullptr);
      REQUIRE(document.findings.size() == 1);
      INFO(document.findings[0].reason);
      CHECK(document.findings[0].reason.find(c.reason) != std::string::npos);
      CHECK(document.findings[0].line == c.line);
      CHECK_FALSE(document.findings[0].remedy.empty());
    }
  }
}

TEST_CASE("faults of keys are collected and the rest is read") {
  const YamlDocument document = LoadYaml(
      "a: 1\n"
      "b: {x: 1, x: 2}\n"
      "a: 2\n"
      "[k]: 3\n"
      "{m: n}: 3\n"
      "~: 4\n" +
      std::string(kMaxYamlKeyBytes + 1, 'k') + ": 5\nz: 6\n");
  REQUIRE(document.root != nullptr);
  REQUIRE(document.findings.size() == 6);
  CHECK(document.findings[0].path == "b.x");
  CHECK(document.findings[0].line == 2);
  CHECK(document.findings[0].column == 11);
  CHECK(document.findings[1].path == "a");
  CHECK(document.findings[1].line == 3);
  CHECK(document.findings[1].reason.find("twice, first in line 1") != std::string::npos);
  for (size_t i = 2; i < 6; ++i) CHECK(document.findings[i].line == i + 2);
  CHECK(document.root->Find("a")->scalar == "1");
  CHECK(document.root->Find("z")->scalar == "6");
  CHECK(document.root->mapping.size() == 3);
}

TEST_CASE("what follows a document is a finding, and the document is read") {
  struct Case {
    const char* name;
    const char* text;
    const char* reason;
  };
  const Case cases[] = {
      {"a second document", "{a: 1}\n---\nb: 2\n", "second document"},
      {"another value", "{a: 1}\n{b: 2}\n", ""},
      {"what is no YAML", "{a: 1}\n---\nb: ]\n", ""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const YamlDocument document = LoadYaml(c.text);
      REQUIRE(document.findings.size() == 1);
      CHECK(document.findings[0].line >= 2);
      CHECK(document.findings[0].reason.find(c.reason) != std::string::npos);
      REQUIRE(document.root != nullptr);
      CHECK(document.root->Find("a")->scalar == "1");
    }
  }
}

TEST_CASE("aliases are the same value once more") {
  const YamlDocument document = LoadYaml("a: &x {k: v}\nb: *x\nc: [*x, *x]\n");
  REQUIRE(document.findings.empty());
  CHECK(document.root->Find("b")->Find("k")->scalar == "v");
  CHECK(document.root->Find("c")->sequence[1]->Find("k")->scalar == "v");
}

TEST_CASE("a merge key is a key like any other") {
  const YamlDocument document = LoadYaml("a: &x {k: v}\nb:\n  <<: *x\n");
  REQUIRE(document.findings.empty());
  CHECK(document.root->Find("b")->mapping[0].key == "<<");
}

TEST_CASE("kinds, quotes and tags of scalars are kept apart") {
  const YamlDocument document = LoadYaml(
      "[plain, 'quoted', \"2\", ~, null, '', !update-in-progress ab-update, !!str 5, !image {a: 1},"
      " true]");
  REQUIRE(document.findings.empty());
  const auto& items = document.root->sequence;
  CHECK_FALSE(items[0]->quoted);
  CHECK(items[1]->quoted);
  CHECK(items[2]->quoted);
  CHECK(items[3]->kind == YamlNode::Kind::kNull);
  CHECK(items[4]->kind == YamlNode::Kind::kNull);
  CHECK(items[5]->kind == YamlNode::Kind::kScalar);
  CHECK(items[6]->tag == "!update-in-progress");
  CHECK(items[6]->scalar == "ab-update");
  CHECK(items[7]->quoted);
  CHECK(items[7]->tag.empty());
  CHECK(items[8]->tag == "!image");
}

TEST_CASE("an empty text is null and a byte order mark is skipped") {
  CHECK(LoadYaml("").root->kind == YamlNode::Kind::kNull);
  CHECK(LoadYaml("# nothing\n").root->kind == YamlNode::Kind::kNull);
  CHECK(LoadYaml("\xEF\xBB\xBF"
                 "a: 1\n")
            .root->Find("a")
            ->scalar == "1");
}

TEST_CASE("scalars mean what the core schema says") {
  CHECK(ParseYamlBool("true") == true);
  CHECK(ParseYamlBool("FALSE") == false);
  for (const char* text : {"yes", "no", "on", "off", "1", "tRue", ""}) {
    CHECK(ParseYamlBool(text) == std::nullopt);
  }
  struct Case {
    const char* text;
    YamlIntegerError error;
    uint64_t value;
  };
  const Case cases[] = {{"0", YamlIntegerError::kNone, 0},
                        {"+12", YamlIntegerError::kNone, 12},
                        {"0x1F", YamlIntegerError::kNone, 31},
                        {"0o17", YamlIntegerError::kNone, 15},
                        {"18446744073709551615", YamlIntegerError::kNone, UINT64_MAX},
                        {"18446744073709551616", YamlIntegerError::kTooLarge, 7},
                        {"-1", YamlIntegerError::kNegative, 7},
                        {"1.0", YamlIntegerError::kNotAnInteger, 7},
                        {"1K", YamlIntegerError::kNotAnInteger, 7},
                        {"", YamlIntegerError::kNotAnInteger, 7},
                        {"0x", YamlIntegerError::kNotAnInteger, 7},
                        {"+-1", YamlIntegerError::kNotAnInteger, 7},
                        {"abc", YamlIntegerError::kNotAnInteger, 7}};
  for (const Case& c : cases) {
    INFO(c.text);
    uint64_t value = 7;
    CHECK(ParseYamlUnsigned(c.text, value) == c.error);
    CHECK(value == c.value);
  }
}

// Equal but for positions and for quotes that do not matter.
bool AreAlike(const YamlNode& a, const YamlNode& b) { return ToYamlValue(a) == ToYamlValue(b); }

TEST_CASE("what is written is read back") {
  const char* const texts[] = {"plain",
                               "",
                               "~",
                               "null",
                               "true",
                               "yes",
                               "off",
                               "1",
                               "-1.5e3",
                               "0x1F",
                               "1_000",
                               "2024-05-06",
                               "12:30:45",
                               "<<",
                               "512M",
                               "1T",
                               "a: b",
                               "a #b",
                               "- a",
                               "'q'",
                               "\"q\"",
                               "back\\slash",
                               " lead",
                               "trail ",
                               "*alias",
                               "&anchor",
                               "!tag",
                               "%dir",
                               "@at",
                               "`tick`",
                               "{a}",
                               "[a]",
                               "a,b",
                               "?",
                               "?a",
                               "a:",
                               "a:b",
                               ":a",
                               "\t",
                               "\n",
                               "\n\n",
                               "line\n",
                               "two\nlines",
                               "two\nlines\n",
                               "two\n\nlines\n\n",
                               " lead\nline\n",
                               "\ttab\nline",
                               "tab\there",
                               "line\n  \nblank",
                               "bell\x07",
                               "del\x7f",
                               "caf\xC3\xA9",
                               "\xF0\x9F\x98\x80",
                               "\xC2\x85next",
                               "\xE2\x80\xA8sep",
                               "\xEF\xBB\xBFmark",
                               "---",
                               "...",
                               "--- a\nb\n",
                               "#!/bin/sh\necho \"$A\"\nif true; then\n  echo 'x: y'\nfi\n",
                               "\r",
                               "a\r\nb",
                               "en*",
                               "http://[::1]:80/x?y=z#f",
                               "$6$salt$hash",
                               "key=value",
                               "%41"};
  YamlNode root;
  root.kind = YamlNode::Kind::kMapping;
  int number = 0;
  for (const char* text : texts) {
    auto node = std::make_shared<YamlNode>();
    node->kind = YamlNode::Kind::kScalar;
    node->scalar = text;
    node->quoted = true;
    auto list = std::make_shared<YamlNode>();
    list->kind = YamlNode::Kind::kSequence;
    list->sequence = {node, node};
    auto nested = std::make_shared<YamlNode>();
    nested->kind = YamlNode::Kind::kSequence;
    nested->sequence = {list, node, std::make_shared<YamlNode>()};
    auto pair = std::make_shared<YamlNode>();
    pair->kind = YamlNode::Kind::kMapping;
    pair->mapping = {{text, 0, 0, node}, {"z", 0, 0, list}};
    nested->sequence.push_back(pair);
    auto inner = std::make_shared<YamlNode>();
    inner->kind = YamlNode::Kind::kMapping;
    inner->mapping = {{text, 0, 0, node}, {"list" + std::string(text), 0, 0, nested}};
    root.mapping.push_back({"k" + std::to_string(number++), 0, 0, inner});
  }
  const std::string written = WriteYaml(root);
  const YamlDocument document = LoadYaml(written);
  INFO(written);
  for (const Finding& finding : document.findings) INFO(finding.line << ": " << finding.reason);
  REQUIRE(document.findings.empty());
  for (size_t i = 0; i < root.mapping.size(); ++i) {
    INFO(texts[i]);
    CHECK(AreAlike(*root.mapping[i].value, *document.root->mapping[i].value));
  }
  CHECK(WriteYaml(*document.root) == written);
}

TEST_CASE("plain numbers stay numbers and empty collections are written short") {
  const YamlDocument document = LoadYaml("{version: 2, name: '2', dhcp: true, a: [], b: {}, c: ~}");
  CHECK(WriteYaml(*document.root) == "version: 2\nname: '2'\ndhcp: true\na: []\nb: {}\nc: null\n");
  CHECK(WriteYaml(*LoadYaml("{}").root) == "{}\n");
  CHECK(WriteYaml(*LoadYaml("").root) == "null\n");
}

TEST_CASE("truncated and mutated documents never do harm") {
  const std::string sample =
      "storage: &s\n  disks:\n    - {id: 'a', size: \"1\\x41\", n: [1, 2, {k: v}]}\n"
      "text: |\n  one\n  two\nfolded: >-\n  a\n\n  b\nalias: *s\n? complex\n: value\n"
      "tag: !image {a: b}\nuni: caf\xC3\xA9 # comment\n...\n";
  for (size_t length = 0; length <= sample.size(); ++length) {
    const YamlDocument document = LoadYaml(std::string_view(sample).substr(0, length));
    CHECK((document.root != nullptr || !document.findings.empty()));
  }
  constexpr std::string_view kAlphabet = "-?:,[]{}#&*!|>'\"%@` \n\tab01~<=.\\/x\xC3\xA9\r";
  std::mt19937 random(20240506);
  for (int round = 0; round < 4000; ++round) {
    std::string text = round % 2 == 0 ? sample : "";
    const int changes = round % 2 == 0 ? 1 + round % 7 : 40;
    for (int i = 0; i < changes; ++i) {
      const char c = kAlphabet[random() % kAlphabet.size()];
      const size_t position = text.empty() ? 0 : random() % text.size();
      if (text.empty() || random() % 2 == 0) {
        text.insert(position, 1, c);
      } else {
        text[position] = c;
      }
    }
    const YamlDocument document = LoadYaml(text);
    INFO(text);
    CHECK((document.root != nullptr || !document.findings.empty()));
    if (document.root == nullptr || !document.findings.empty()) continue;
    // Whatever can be read can be written and read again.
    const YamlDocument again = LoadYaml(WriteYaml(FromYamlValue(ToYamlValue(*document.root))));
    REQUIRE(again.root != nullptr);
    CHECK(AreAlike(*again.root, *document.root));
  }
}

}  // namespace
}  // namespace trident
