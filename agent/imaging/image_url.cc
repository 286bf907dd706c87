#include "agent/imaging/image_url.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

absl::Status InvalidUrl(const std::string& url, const std::string& reason, std::string remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "image-url",
                   absl::StrCat("image URL '", url, "' cannot be used: ", reason),
                   std::move(remedy));
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1.
absl::StatusOr<std::string> DecodePercent(const std::string& url, std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return InvalidUrl(url, "'%' is not followed by two hexadecimal digits",
                        "Write a literal '%' as %25.");
    }
    const int value = high * 16 + low;
    if (value == 0) return InvalidUrl(url, "it contains a NUL byte (%00)", "");
    decoded.push_back(static_cast<char>(value));
    i += 2;
  }
  return decoded;
}

// Everything between "//" and the last '@' of the authority is a secret.
std::string WithoutCredentials(const std::string& url) {
  const size_t begin = url.find("://");
  if (begin == std::string::npos) return url;
  const size_t authority = begin + 3;
  const size_t end = url.find_first_of("/?#", authority);
  const size_t at = url.rfind('@', end == std::string::npos ? url.size() : end);
  if (at == std::string::npos || at < authority) return url;
  return absl::StrCat(url.substr(0, authority), url.substr(at + 1));
}

}  // namespace

absl::StatusOr<ImageUrl> ParseImageUrl(const std::string& url) {
  ImageUrl parsed;
  parsed.text = url;
  parsed.printable = WithoutCredentials(url);
  const size_t colon = url.find("://");
  if (colon == std::string::npos) {
    return InvalidUrl(parsed.printable, "it has no scheme",
                      "Use file:///absolute/path, http://... or https://...");
  }
  const std::string scheme = absl::AsciiStrToLower(url.substr(0, colon));
  const std::string_view rest = std::string_view(url).substr(colon + 3);
  if (scheme == "http" || scheme == "https") {
    parsed.scheme = scheme == "http" ? ImageUrl::Scheme::kHttp : ImageUrl::Scheme::kHttps;
    if (rest.empty() || rest.front() == '/') {
      return InvalidUrl(parsed.printable, "it names no host", "");
    }
    return parsed;
  }
  if (scheme == "file") {
    std::string_view path = rest;
    if (path.starts_with("localhost/")) path.remove_prefix(9);
    if (path.empty() || path.front() != '/') {
      return InvalidUrl(parsed.printable, "a file URL needs an absolute path on this host",
                        "Write three slashes: file:///absolute/path.");
    }
    TRIDENT_ASSIGN_OR_RETURN(parsed.path, DecodePercent(parsed.printable, path));
    return parsed;
  }
  if (scheme == "oci") {
    return MakeError(absl::StatusCode::kUnimplemented, "unsupported", "image-scheme",
                     absl::StrCat("image URL '", parsed.printable,
                                  "': fetching images from OCI registries belongs to later work "
                                  "and is not there yet"),
                     "Publish the image over http or https, or as a file.");
  }
  return InvalidUrl(parsed.printable, absl::StrCat("the scheme '", scheme, "' is not known"),
                    "Use file, http or https.");
}

}  // namespace trident
