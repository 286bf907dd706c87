#include "agent/imaging/image_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/url.h"

namespace trident {
namespace {

absl::Status InvalidUrl(const std::string& url, const std::string& reason, std::string remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "image-url",
                   absl::StrCat("image URL '", url, "' cannot be used: ", reason),
                   std::move(remedy));
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
                      "Use file:///absolute/path, http://..., https://... or oci://...");
  }
  const std::string scheme = absl::AsciiStrToLower(url.substr(0, colon));
  const std::string_view rest = std::string_view{url}.substr(colon + 3);
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
    absl::StatusOr<std::string> decoded = DecodePercent(path);
    if (!decoded.ok()) {
      return InvalidUrl(parsed.printable, std::string{decoded.status().message()},
                        "Write a literal '%' as %25.");
    }
    parsed.path = *std::move(decoded);
    return parsed;
  }
  if (scheme == "oci") {
    absl::StatusOr<OciReference> reference = ParseOciReference(url);
    if (!reference.ok()) {
      return InvalidUrl(parsed.printable, std::string{reference.status().message()},
                        "Write oci://registry[:port]/repository[:tag|@sha256:digest][#title].");
    }
    parsed.scheme = ImageUrl::Scheme::kOci;
    parsed.oci = *std::move(reference);
    return parsed;
  }
  return InvalidUrl(parsed.printable, absl::StrCat("the scheme '", scheme, "' is not known"),
                    "Use file, http, https or oci.");
}

bool IsLoopbackHost(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return absl::EqualsIgnoreCase(host, "localhost");
}

}  // namespace trident
