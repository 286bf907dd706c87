#include "common/base/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/base/strings.h"

namespace trident {

std::optional<bool> ParseYamlBool(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

YamlIntegerError ParseYamlUnsigned(std::string_view text, uint64_t& value) {
  const bool negative = text.starts_with("-");
  if (negative || text.starts_with("+")) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x")) base = 16;
  if (text.starts_with("0o")) base = 8;
  if (base != 10) text.remove_prefix(2);
  // "-" after the sign or the prefix would be taken by nobody; "+" is not taken by from_chars.
  if (text.empty() || !IsAsciiHexDigit(text.front())) {
    return YamlIntegerError::kNotAnInteger;
  }
  uint64_t parsed = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, parsed, base);
  if (error == std::errc::invalid_argument || stopped != end) {
    return YamlIntegerError::kNotAnInteger;
  }
  if (negative && (parsed != 0 || error != std::errc())) return YamlIntegerError::kNegative;
  if (error != std::errc()) return YamlIntegerError::kTooLarge;
  value = parsed;
  return YamlIntegerError::kNone;
}

bool LooksLikeNonString(std::string_view text) {
  static constexpr std::string_view kWords[] = {
      "",  "~",  "null", "true", "false", "yes",   "no",    "on", "off", "y",
      "n", "<<", "=",    ".inf", ".nan",  "+.inf", "-.inf", ".",  "...", "---"};
  const std::string lower = AsciiToLower(text);
  if (std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords)) return true;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!is_digit(lower[0]) && lower[0] != '+' && lower[0] != '-' && lower[0] != '.') return false;
  // A date: 2024-05-06 and all that may follow it.
  if (lower.size() >= 10 && std::all_of(lower.begin(), lower.begin() + 4, is_digit) &&
      lower[4] == '-' && is_digit(lower[5])) {
    return true;
  }
  // Decimal, hexadecimal, octal, with underscores, exponents, and times to the base of 60.
  return std::any_of(lower.begin(), lower.end(), is_digit) &&
         lower.find_first_not_of("0123456789abcdefxo_:.+-") == std::string::npos;
}

}  // namespace trident
