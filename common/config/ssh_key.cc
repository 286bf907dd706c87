#include "common/config/ssh_key.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/strings.h"

namespace trident {
namespace {

constexpr std::array<std::string_view, 7> kKeyTypes = {
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
};

bool IsKeyType(std::string_view word) {
  return std::find(kKeyTypes.begin(), kKeyTypes.end(), word) != kKeyTypes.end();
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Takes the first word off `text`; blanks inside double quotes belong to it. No value: a quote that
// does not end.
std::optional<std::string_view> TakeWord(std::string_view& text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  bool is_quoted = false;
  size_t end = 0;
  for (; end < text.size() && (is_quoted || !IsBlank(text[end])); ++end) {
    if (is_quoted && text[end] == '\\' && end + 1 < text.size()) {
      ++end;
    } else if (text[end] == '"') {
      is_quoted = !is_quoted;
    }
  }
  if (is_quoted) return std::nullopt;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

int Base64Value(char c) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t found = kAlphabet.find(c);
  return found == std::string_view::npos ? -1 : static_cast<int>(found);
}

// RFC 4648, section 4, with its padding.
std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  size_t digits = text.size();
  while (digits > text.size() - 2 && text[digits - 1] == '=') --digits;
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, digits)) {
    const int value = Base64Value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> count) & 0xFF);
  }
  return bytes;
}

// Takes a string off the data: its length in four bytes, big end first (RFC 4251, section 5).
std::optional<std::string_view> TakeString(std::string_view& data) {
  if (data.size() < 4) return std::nullopt;
  size_t length = 0;
  for (size_t i = 0; i < 4; ++i) length = (length << 8) | static_cast<unsigned char>(data[i]);
  data.remove_prefix(4);
  if (data.size() < length) return std::nullopt;
  const std::string_view value = data.substr(0, length);
  data.remove_prefix(length);
  return value;
}

// All types of key are made of strings and of numbers that are written like strings.
bool IsWholeKey(std::string_view type, std::string_view data) {
  const auto name = TakeString(data);
  if (!name || *name != type || data.empty()) return false;
  while (!data.empty()) {
    if (!TakeString(data)) return false;
  }
  return true;
}

}  // namespace

std::optional<FormatFault> CheckSshKeyLine(std::string_view line) {
  constexpr char kRemedy[] = "Copy the whole line from the .pub file that ssh-keygen made.";
  const bool is_printable = std::all_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7F;
  });
  if (!is_printable) return FormatFault{"must be one line without control characters", kRemedy};
  auto type = TakeWord(line);
  if (type && !IsKeyType(*type)) type = TakeWord(line);  // the first word was options
  if (!type || !IsKeyType(*type)) {
    return FormatFault{
        StrCat("must be a public key of one of the types ", StrJoin(kKeyTypes, ", ")), kRemedy};
  }
  const auto encoded = TakeWord(line);
  const auto data = encoded ? DecodeBase64(*encoded) : std::nullopt;
  if (!data || !IsWholeKey(*type, *data)) {
    return FormatFault{StrCat("is no whole key of the type ", *type), kRemedy};
  }
  return std::nullopt;
}

}  // namespace trident
