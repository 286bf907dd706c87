#include "common/config/url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "common/base/strings.h"

namespace trident {
namespace {

absl::Status Wrong(std::string_view reason) {
  return absl::InvalidArgumentError(std::string(reason));
}

bool IsScheme(std::string_view text) {
  return !text.empty() && IsAsciiAlpha(text[0]) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return IsAsciiAlnum(c) || c == '+' || c == '-' || c == '.';
         });
}

absl::Status CheckCharacters(std::string_view text) {
  for (size_t index = 0; index < text.size(); ++index) {
    const auto c = static_cast<unsigned char>(text[index]);
    const std::string_view refused = "\"<>\\^`{|}";
    if (c <= 0x20 || c >= 0x7F || refused.find(static_cast<char>(c)) != std::string_view::npos) {
      return Wrong("it contains a blank or another character that has to be written as %XX");
    }
    if (c != '%') continue;
    if (index + 2 >= text.size() || !IsAsciiHexDigit(text[index + 1]) ||
        !IsAsciiHexDigit(text[index + 2])) {
      return Wrong("a % is not followed by two hexadecimal digits");
    }
  }
  return absl::OkStatus();
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

absl::StatusOr<std::string> DecodePercent(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0) return Wrong("'%' is not followed by two hexadecimal digits");
    const int value = high * 16 + low;
    if (value == 0) return Wrong("it contains a NUL byte (%00)");
    decoded.push_back(static_cast<char>(value));
    i += 2;
  }
  return decoded;
}

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos || !IsScheme(text.substr(0, colon))) {
    return Wrong("it does not begin with a scheme, as in http://");
  }
  if (absl::Status status = CheckCharacters(text); !status.ok()) return status;
  Url url;
  url.scheme = AsciiToLower(text.substr(0, colon));
  std::string_view rest = text.substr(colon + 3);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, end);
  url.path = std::string(rest.substr(end));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  bool has_port = false;
  if (!authority.empty() && authority.front() == '[') {
    const size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return Wrong("the bracket of its address is not closed");
    url.host = std::string(authority.substr(1, bracket - 1));
    std::string_view after = authority.substr(bracket + 1);
    has_port = !after.empty();
    if (has_port && after.front() != ':') return Wrong("something stands between address and port");
    if (has_port) port = after.substr(1);
  } else {
    const size_t separator = authority.find(':');
    has_port = separator != std::string_view::npos;
    url.host = std::string(authority.substr(0, separator));
    if (has_port) port = authority.substr(separator + 1);
  }
  uint16_t number = 0;
  const char* const port_end = port.data() + port.size();
  if (has_port && (std::from_chars(port.data(), port_end, number).ptr != port_end || number == 0)) {
    return Wrong("its port is not a number from 1 to 65535");
  }
  if (has_port && url.host.empty()) return Wrong("it has a port but no host");
  return url;
}

absl::StatusOr<std::string> FilePathOfUrl(std::string_view text) {
  const auto url = ParseUrl(text);
  if (!url.ok()) return url.status();
  if (url->scheme != "file") return Wrong("it is no file URL");
  if (!url->host.empty() && url->host != "localhost") return Wrong("it names another host");
  if (url->path.size() < 2 || url->path[0] != '/') return Wrong("it has no absolute path");
  return DecodePercent(url->path);
}

}  // namespace trident
