#include "common/config/reader.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"
#include "common/base/yaml_scalar.h"

namespace trident {
namespace {

constexpr size_t kMaxGuessedKeyBytes = 40;
constexpr std::string_view kMergeKey = "<<";  // of YAML 1.1

// Levenshtein distance.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// The known word that was probably meant; empty: none.
std::string_view Guess(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > kMaxGuessedKeyBytes) return {};
  // snake_case and kebab-case spellings of camelCase keys are one edit away from nothing.
  const auto simplify = [](std::string_view text) {
    return StrReplace(StrReplace(AsciiToLower(text), "_", ""), "-", "");
  };
  const std::string simple = simplify(word);
  std::string_view best;
  size_t best_distance = simple.size() <= 3 ? 2 : 3;
  for (const std::string_view candidate : known) {
    const size_t distance = EditDistance(simple, simplify(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view guess = Guess(word, known);
  return guess.empty() ? "" : StrCat("Did you mean \"", guess, "\"? ");
}

}  // namespace

std::string Reader::ChildPath(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : StrCat(path, ".", key);
}

void Reader::Locate(const YamlNode& node, const std::string& path) {
  findings_.Locate(path, node.line, node.column);
}

void Reader::LocateAll(const YamlNode& node, const std::string& path) {
  Locate(node, path);
  for (size_t i = 0; i < node.sequence.size(); ++i) {
    LocateAll(*node.sequence[i], StrCat(path, "[", i, "]"));
  }
  for (const YamlNode::Entry& entry : node.mapping) {
    const std::string entry_path = StrCat(path, ".", Shorten(entry.key));
    LocateAll(*entry.value, entry_path);
    // What is told about a block below its key, is told where the key is.
    if (entry.value->line != entry.line) findings_.Locate(entry_path, entry.line, entry.column);
  }
}

void Reader::Fail(const YamlNode& node, const std::string& path, std::string reason,
                  std::string remedy) {
  findings_.Fail(path, node.line, node.column, std::move(reason), std::move(remedy));
}

void Reader::FailBeside(const YamlNode& node, const std::string& path, std::string reason,
                        std::string remedy) {
  findings_.FailKey(path, node.line, node.column, std::move(reason), std::move(remedy));
}

void Reader::FailMissing(const YamlNode& node, const std::string& path, std::string_view key,
                         bool is_declaring) {
  if (is_declaring) findings_.NoteUnread(path);
  Fail(node, path, StrCat("the key \"", key, "\" is missing here"),
       StrCat("Add \"", key, ":\" with its value."));
}

void Reader::FailTwoSpellings(const YamlNode& node, const std::string& path, const Field& field) {
  Fail(node, path,
       StrCat("\"", field.key, "\" and \"", field.also, "\" are the same key, given twice"),
       StrCat("Keep \"", field.key, "\"."));
}

void Reader::RefuseUnknownKeys(const YamlNode& node, const std::string& path,
                               const std::vector<std::string_view>& known) {
  if (unknown_keys_ == UnknownKeys::kIgnore) return;
  for (const YamlNode::Entry& entry : node.mapping) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    findings_.NoteUnread(path);
    findings_.FailKey(
        ChildPath(path, Shorten(entry.key)), entry.line, entry.column,
        StrCat("the key \"", Shorten(entry.key), "\" is unknown here"),
        entry.key == kMergeKey
            ? std::string("Write the keys out: mappings are not merged. An alias (*name) may stand "
                          "for a whole value.")
            : StrCat(DidYouMean(entry.key, known), "Known keys: ", StrJoin(known, ", "), "."));
  }
}

bool Reader::ExpectNoTag(const YamlNode& node, const std::string& path) {
  if (node.tag.empty()) return true;
  Fail(node, path, StrCat("the tag \"", Shorten(node.tag), "\" has no meaning here"),
       "Remove the tag.");
  return false;
}

void Reader::RefuseTag(const YamlNode& node, const std::string& path) {
  if (node.tag.empty()) return;
  FailBeside(node, path, StrCat("the tag \"", Shorten(node.tag), "\" has no meaning here"),
             "Remove the tag.");
}

bool Reader::ExpectMapping(const YamlNode& node, const std::string& path) {
  Locate(node, path);
  if (node.kind == YamlNode::Kind::kMapping) {
    RefuseTag(node, path);
    return true;
  }
  findings_.NoteUnread(path);
  // A text is not repeated: it may be a password, written where its mapping should be.
  const bool is_text = node.kind == YamlNode::Kind::kScalar;
  Fail(node, path,
       StrCat("expected a mapping, found ", is_text ? "a single value" : DescribeYamlNode(node)),
       "Write \"key: value\" lines, indented below, or {}.");
  return false;
}

bool Reader::ExpectSequence(const YamlNode& node, const std::string& path, bool holds_objects) {
  Locate(node, path);
  if (node.kind == YamlNode::Kind::kSequence) {
    RefuseTag(node, path);
    return true;
  }
  if (holds_objects) findings_.NoteUnread(path);
  Fail(node, path, StrCat("expected a list, found ", DescribeYamlNode(node)),
       "Write \"- item\" lines, indented below, or [].");
  return false;
}

const std::string* Reader::ExpectScalar(const YamlNode& node, const std::string& path,
                                        std::string_view expected) {
  Locate(node, path);
  if (node.kind == YamlNode::Kind::kScalar) return ExpectNoTag(node, path) ? &node.scalar : nullptr;
  Fail(node, path, StrCat("expected ", expected, ", found ", DescribeYamlNode(node)),
       StrCat("Write ", expected, "."));
  return nullptr;
}

std::optional<size_t> Reader::ReadChoice(const YamlNode& node, const std::string& path,
                                         const std::vector<std::string_view>& names) {
  const std::string allowed = StrCat(names.size() == 1 ? "" : "one of ", StrJoin(names, ", "));
  const std::string* const text = ExpectScalar(node, path, allowed);
  if (text == nullptr) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  Fail(node, path, StrCat("expected ", allowed, ", found ", DescribeYamlNode(node)),
       StrCat(DidYouMean(*text, names), "Write ", allowed, "."));
  return std::nullopt;
}

void Reader::ReadBool(const YamlNode& node, const std::string& path, bool& out) {
  const std::string* const text = ExpectScalar(node, path, "true or false");
  if (text == nullptr) return;
  const auto value = node.quoted ? std::nullopt : ParseYamlBool(*text);
  if (value) {
    out = *value;
    return;
  }
  Fail(node, path, StrCat("expected true or false, found ", DescribeYamlNode(node)),
       "Write true or false, without quotes.");
}

std::optional<uint64_t> Reader::ReadUnsigned(const YamlNode& node, const std::string& path,
                                             uint64_t limit) {
  const std::string expected = StrCat("a whole number from 0 to ", limit);
  const std::string* const text = ExpectScalar(node, path, expected);
  if (text == nullptr) return std::nullopt;
  uint64_t value = 0;
  if (!node.quoted && ParseYamlUnsigned(*text, value) == YamlIntegerError::kNone &&
      value <= limit) {
    return value;
  }
  Fail(node, path, StrCat("expected ", expected, ", found ", DescribeYamlNode(node)),
       StrCat("Write ", expected, ", without quotes."));
  return std::nullopt;
}

void Reader::ReadString(const YamlNode& node, const std::string& path, Format format,
                        std::string& out) {
  const std::string* const text = ExpectScalar(node, path, "a string");
  if (text == nullptr) return;
  if (auto fault = CheckFormat(format, *text)) {
    if (format == Format::kId && path.ends_with(".id")) findings_.NoteUnread(path);
    Fail(node, path,
         format == Format::kSecretLine ? std::move(fault->reason)
                                       : StrCat(fault->reason, ", found ", DescribeYamlNode(node)),
         std::move(fault->remedy));
    return;
  }
  out = *text;
}

}  // namespace trident
