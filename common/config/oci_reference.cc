#include "common/config/oci_reference.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/config/url.h"

namespace trident {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr size_t kLongestRepository = 255;
constexpr size_t kLongestTag = 128;

absl::Status Wrong(std::string_view reason) {
  return absl::InvalidArgumentError(std::string(reason));
}

bool IsLowerAlnum(char c) { return IsAsciiLower(c) || IsAsciiDigit(c); }

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
bool IsRepositoryComponent(std::string_view text) {
  if (text.empty() || !IsLowerAlnum(text.front()) || !IsLowerAlnum(text.back())) return false;
  for (size_t i = 0; i < text.size();) {
    if (IsLowerAlnum(text[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && !IsLowerAlnum(text[end])) ++end;
    const std::string_view separator = text.substr(i, end - i);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    i = end;
  }
  return true;
}

// [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
bool IsTag(std::string_view text) {
  return !text.empty() && text.size() <= kLongestTag && text[0] != '.' && text[0] != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAsciiAlnum(c) || c == '_' || c == '.' || c == '-'; });
}

absl::Status CheckRepository(std::string_view repository) {
  if (repository.empty()) return Wrong("it names no repository");
  bool good = repository.size() <= kLongestRepository;
  for (const std::string_view component : StrSplit(repository, '/')) {
    good = good && IsRepositoryComponent(component);
  }
  if (good) return absl::OkStatus();
  return Wrong(StrCat("\"", repository,
                      "\" is not the name of a repository: at most 255 lower-case letters and "
                      "digits, in parts joined by \"/\", \".\", \"_\", \"__\" or \"-\""));
}

}  // namespace

bool IsOciDigest(std::string_view text) {
  if (!text.starts_with(kDigestPrefix)) return false;
  text.remove_prefix(kDigestPrefix.size());
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return IsAsciiDigit(c) || (c >= 'a' && c <= 'f');
         });
}

absl::StatusOr<OciReference> ParseOciReference(std::string_view url) {
  TRIDENT_ASSIGN_OR_RETURN(const Url parsed, ParseUrl(url));
  if (parsed.scheme != "oci") return Wrong("its scheme is not oci");
  std::string_view rest = url.substr(url.find("://") + 3);
  OciReference reference;
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  reference.registry = std::string(rest.substr(0, end));
  reference.host = parsed.host;
  if (reference.host.empty()) return Wrong("it names no registry");
  if (reference.registry.find('@') != std::string::npos) {
    return Wrong(
        "a user name or password has no place in it: it belongs into the file that "
        "registryCredentials names");
  }
  rest.remove_prefix(end);
  if (const size_t hash = rest.find('#'); hash != std::string_view::npos) {
    TRIDENT_ASSIGN_OR_RETURN(reference.title, DecodePercent(rest.substr(hash + 1)));
    if (reference.title.empty()) return Wrong("nothing follows its \"#\"");
    rest = rest.substr(0, hash);
  }
  if (rest.find('?') != std::string_view::npos) return Wrong("it has a query (\"?\")");
  if (!rest.empty()) rest.remove_prefix(1);
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = std::string(rest.substr(at + 1));
    rest = rest.substr(0, at);
    if (!IsOciDigest(reference.digest)) {
      return Wrong("its digest is not \"sha256:\" and 64 lower-case hexadecimal digits");
    }
    if (rest.find(':') != std::string_view::npos) {
      return Wrong("it has both a tag and a digest; give one of them");
    }
  } else if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
    reference.tag = std::string(rest.substr(colon + 1));
    rest = rest.substr(0, colon);
    if (!IsTag(reference.tag)) {
      return Wrong(
          "its tag is not 1 to 128 letters, digits, \"_\", \".\" and \"-\", beginning with a "
          "letter, a digit or \"_\"");
    }
  } else {
    reference.tag = "latest";
  }
  TRIDENT_RETURN_IF_ERROR(CheckRepository(rest));
  reference.repository = std::string(rest);
  return reference;
}

}  // namespace trident
