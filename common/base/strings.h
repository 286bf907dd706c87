// Texts put together and taken apart. Debian builds Abseil with a string_view of its own, which
// std::string_view does not convert to: these are its functions for the standard's type.
#ifndef TRIDENT_COMMON_BASE_STRINGS_H_
#define TRIDENT_COMMON_BASE_STRINGS_H_

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace trident {

// All pieces in a row: strings, and whole numbers in decimal.
template <typename... Pieces>
void StrAppend(std::string* out, const Pieces&... pieces) {
  const auto append = [out](const auto& piece) {
    using Piece = std::remove_cvref_t<decltype(piece)>;
    if constexpr (std::integral<Piece>) {
      static_assert(!std::same_as<Piece, char> && !std::same_as<Piece, bool>);
      *out += std::to_string(piece);
    } else {
      *out += std::string_view{piece};
    }
  };
  (append(pieces), ...);
}

template <typename... Pieces>
std::string StrCat(const Pieces&... pieces) {
  std::string out;
  StrAppend(&out, pieces...);
  return out;
}

// The items with `separator` between them.
template <typename Range>
std::string StrJoin(const Range& items, std::string_view separator) {
  std::string out;
  bool is_first = true;
  for (const auto& item : items) {
    if (!is_first) out += separator;
    is_first = false;
    out += std::string_view(item);
  }
  return out;
}

// "a//b" split at '/' is "a", "", "b"; an empty text is one empty part. Views into `text`.
std::vector<std::string_view> StrSplit(std::string_view text, char separator);
// The same without empty parts.
std::vector<std::string_view> StrSplitNonEmpty(std::string_view text, char separator);

// Without blanks, tabs and line breaks at both ends. A view into `text`.
std::string_view StripWhitespace(std::string_view text);

std::string AsciiToLower(std::string_view text);

// Independent of the locale, unlike <cctype>.
constexpr bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAsciiLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsAsciiAlpha(char c) { return IsAsciiLower(c) || (c >= 'A' && c <= 'Z'); }
constexpr bool IsAsciiAlnum(char c) { return IsAsciiAlpha(c) || IsAsciiDigit(c); }
constexpr bool IsAsciiHexDigit(char c) {
  return IsAsciiDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// `text` with every `from` replaced.
std::string StrReplace(std::string_view text, std::string_view from, std::string_view to);

// Two lower-case hexadecimal digits.
std::string HexByte(unsigned char byte);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_STRINGS_H_
