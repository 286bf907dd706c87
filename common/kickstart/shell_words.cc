#include "common/kickstart/shell_words.h"

namespace trident::kickstart {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f\n";

bool IsBlank(char c) { return kBlanks.find(c) != std::string_view::npos; }

// What a backslash takes its meaning from between double quotes.
bool IsSpecialInQuotes(char c) { return c == '"' || c == '\\' || c == '$' || c == '`'; }

// Appends the rest of a double-quoted text to `word`. `at` is behind the opening quote, and ends
// behind the closing one. False: there is none.
bool ReadDoubleQuoted(std::string_view text, size_t& at, std::string& word) {
  while (at < text.size()) {
    const char c = text[at++];
    if (c == '"') return true;
    if (c == '\\' && at < text.size() && IsSpecialInQuotes(text[at])) {
      word += text[at++];
    } else {
      word += c;
    }
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> SplitShellWords(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  size_t at = 0;
  while (at < text.size()) {
    const char c = text[at++];
    if (IsBlank(c)) {
      in_word = false;
      continue;
    }
    if (c == '#' && !in_word) break;
    if (!in_word) words.emplace_back();
    in_word = true;
    std::string& word = words.back();
    if (c == '\\') {
      if (at == text.size()) return std::nullopt;
      word += text[at++];
    } else if (c == '\'') {
      const size_t end = text.find('\'', at);
      if (end == std::string_view::npos) return std::nullopt;
      word += text.substr(at, end - at);
      at = end + 1;
    } else if (c == '"') {
      if (!ReadDoubleQuoted(text, at, word)) return std::nullopt;
    } else {
      word += c;
    }
  }
  return words;
}

std::string_view FirstWord(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  return text.substr(0, text.find_first_of(kBlanks));
}

}  // namespace trident::kickstart
