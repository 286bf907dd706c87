#include "common/base/yaml_writer.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/base/yaml_scalar.h"

namespace trident {
namespace {

// Control characters, and what some reader takes for a line break or drops (U+0085, U+2028,
// U+2029, U+FEFF).
bool NeedsEscape(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7F || (first == 0xC2 && (character[1] & 0xE0) == 0x80) ||
         character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9" || character == "\xEF\xBB\xBF";
}

template <typename Function>
void ForEachCharacter(std::string_view text, Function function) {
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t length = std::max<size_t>(1, Utf8CharacterLength(text.substr(offset)));
    function(text.substr(offset, length));
    offset += length;
  }
}

bool NeedsEscapes(std::string_view text) {
  bool needs = false;
  ForEachCharacter(text, [&](std::string_view character) { needs |= NeedsEscape(character); });
  return needs;
}

// Plain text that no reader can take for anything but this string.
bool IsPlain(std::string_view text) {
  if (text.empty() || text.back() == ' ' || text.back() == ':') return false;
  if (!IsAsciiAlnum(text[0]) && text[0] != '/' && text[0] != '_') {
    return false;
  }
  for (size_t index = 0; index < text.size(); ++index) {
    const char c = text[index];
    if (IsAsciiAlnum(c)) continue;
    if (std::string_view(" /_-.@+%=,:;$()").find(c) == std::string_view::npos) return false;
    if (c == ':' && text[index + 1] == ' ') return false;
  }
  return true;
}

std::string DoubleQuoted(std::string_view text) {
  std::string quoted = "\"";
  ForEachCharacter(text, [&](std::string_view character) {
    if (character == "\n") {
      quoted += "\\n";
    } else if (character == "\t") {
      quoted += "\\t";
    } else if (character == "\"" || character == "\\") {
      StrAppend(&quoted, "\\", character);
    } else if (!NeedsEscape(character)) {
      StrAppend(&quoted, character);
    } else if (character.size() == 1) {
      StrAppend(&quoted, "\\x", HexByte(static_cast<unsigned char>(character[0])));
    } else if (character.size() == 2) {
      StrAppend(&quoted, "\\x", HexByte(static_cast<unsigned char>(character[1])));
    } else {
      StrAppend(&quoted, "\\u",
                character == "\xEF\xBB\xBF"   ? "FEFF"
                : character == "\xE2\x80\xA8" ? "2028"
                                              : "2029");
    }
  });
  return quoted + "\"";
}

// Several lines that read the same in a literal block without an indentation indicator.
bool IsLiteral(std::string_view text) {
  if (!(text.find('\n') != std::string_view::npos)) return false;
  if (text.ends_with("\n")) text.remove_suffix(1);
  for (const std::string_view line : StrSplit(text, '\n')) {
    const bool is_blank = StripWhitespace(line).empty();
    if (is_blank && !line.empty()) return false;
    if (NeedsEscapes(StrReplace(line, "\t", " "))) return false;
  }
  const char first = text.empty() ? '\n' : text.front();
  // A document marker at the beginning of a line would be one only without indentation.
  return first != '\n' && first != ' ' && first != '\t' && !text.ends_with("\n");
}

std::string Scalar(const YamlNode& node, size_t indent) {
  const std::string& text = node.scalar;
  if (LooksLikeNonString(text) && !node.quoted && !text.empty()) return text;
  if (!LooksLikeNonString(text) && IsPlain(text)) return text;
  if (IsLiteral(text)) {
    const bool ends_with_break = text.ends_with("\n");
    std::string block = ends_with_break ? "|" : "|-";
    const std::string_view body(text.data(), text.size() - (ends_with_break ? 1 : 0));
    for (const std::string_view line : StrSplit(body, '\n')) {
      StrAppend(&block, "\n", line.empty() ? "" : std::string(indent, ' '), line);
    }
    return block;
  }
  if (NeedsEscapes(text)) return DoubleQuoted(text);
  return StrCat("'", StrReplace(text, "'", "''"), "'");
}

std::string Key(const std::string& key) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.scalar = key;
  node.quoted = true;
  if ((key.find('\n') != std::string_view::npos)) return DoubleQuoted(key);
  return Scalar(node, 0);
}

bool IsEmptyCollection(const YamlNode& node) {
  return node.sequence.empty() && node.mapping.empty();
}

// Appends the value of a key or of a list item, from where the key or the dash ended. `indent` is
// that of the lines below.
void AppendValue(const YamlNode& node, size_t indent, bool after_dash, std::string& out);

void AppendBlock(const YamlNode& node, size_t indent, bool is_first_line_open, std::string& out) {
  bool needs_indent = !is_first_line_open;
  const auto begin_line = [&] {
    if (needs_indent) out.append(indent, ' ');
    needs_indent = true;
  };
  for (const YamlNode::Entry& entry : node.mapping) {
    begin_line();
    StrAppend(&out, Key(entry.key), ":");
    AppendValue(*entry.value, indent + 2, false, out);
  }
  for (const YamlNodePtr& item : node.sequence) {
    begin_line();
    out += "-";
    AppendValue(*item, indent + 2, true, out);
  }
}

void AppendValue(const YamlNode& node, size_t indent, bool after_dash, std::string& out) {
  if (!node.tag.empty()) StrAppend(&out, " ", node.tag);
  const bool is_collection =
      node.kind == YamlNode::Kind::kMapping || node.kind == YamlNode::Kind::kSequence;
  if (!is_collection) {
    StrAppend(&out, " ", node.kind == YamlNode::Kind::kNull ? "null" : Scalar(node, indent), "\n");
  } else if (IsEmptyCollection(node)) {
    StrAppend(&out, node.kind == YamlNode::Kind::kMapping ? " {}\n" : " []\n");
  } else if (after_dash && node.tag.empty()) {
    out += " ";
    AppendBlock(node, indent, true, out);
  } else {
    out += "\n";
    AppendBlock(node, indent, false, out);
  }
}

}  // namespace

std::string WriteYaml(const YamlNode& node) {
  std::string out;
  if (node.tag.empty() && !IsEmptyCollection(node)) {
    AppendBlock(node, 0, false, out);
    return out;
  }
  AppendValue(node, 2, true, out);
  return out.substr(1);  // without the blank after a key or dash that is not there
}

}  // namespace trident
