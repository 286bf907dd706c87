#include "agent/imaging/auth_challenge.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/url.h"

namespace trident {
namespace {

// Reads the value of one header from its beginning.
class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : text_(text) {}

  void ReadInto(std::vector<AuthChallenge>& challenges) {
    while (Skip(", \t"), !text_.empty()) {
      const std::string name = absl::AsciiStrToLower(Token());
      if (name.empty()) return;
      Skip(" \t");
      if (!text_.starts_with('=')) {
        challenges.push_back({name, {}});
        has_challenge_ = true;
        continue;
      }
      text_.remove_prefix(1);
      // A second '=' is the padding of a token68, which none of the known schemes has.
      Skip("= \t");
      const std::optional<std::string> value = Value();
      if (!value || !has_challenge_) return;
      challenges.back().parameters.emplace(name, *value);
    }
  }

 private:
  static bool IsTokenCharacter(char c) {
    static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~/";
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           kOthers.find(c) != std::string_view::npos;
  }

  void Skip(std::string_view characters) {
    text_.remove_prefix(std::min(text_.find_first_not_of(characters), text_.size()));
  }

  std::string Token() {
    size_t length = 0;
    while (length < text_.size() && IsTokenCharacter(text_[length])) ++length;
    std::string token(text_.substr(0, length));
    text_.remove_prefix(length);
    return token;
  }

  // No value: a quotation that does not end.
  std::optional<std::string> Value() {
    if (!text_.starts_with('"')) return Token();
    std::string value;
    for (size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        text_.remove_prefix(i + 1);
        return value;
      }
      if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
      value.push_back(text_[i]);
    }
    return std::nullopt;
  }

  std::string_view text_;
  bool has_challenge_ = false;
};

// RFC 3986 section 2: everything but unreserved characters.
std::string EncodeForQuery(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
        c == '~') {
      encoded.push_back(c);
    } else {
      absl::StrAppend(&encoded, "%",
                      absl::AsciiStrToUpper(
                          absl::StrCat(absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2))));
    }
  }
  return encoded;
}

}  // namespace

std::string AuthChallenge::Parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

std::vector<AuthChallenge> ParseChallenges(const std::vector<std::string>& values) {
  std::vector<AuthChallenge> challenges;
  for (const std::string& value : values) ChallengeReader(value).ReadInto(challenges);
  return challenges;
}

absl::StatusOr<std::string> TokenUrl(const AuthChallenge& challenge,
                                     const std::string& repository) {
  const std::string realm = challenge.Parameter("realm");
  const auto parsed = ParseUrl(realm);
  if (!parsed.ok() || (parsed->scheme != "http" && parsed->scheme != "https") ||
      parsed->host.empty() || realm.find('#') != std::string::npos) {
    return MakeError(absl::StatusCode::kInvalidArgument, "image", "registry-access",
                     absl::StrCat("the registry sends for a token to '", realm,
                                  "', which is not an http or https URL"),
                     "Check the configuration of the registry.");
  }
  std::string scope = challenge.Parameter("scope");
  if (scope.empty()) scope = absl::StrCat("repository:", repository, ":pull");
  std::string url = absl::StrCat(realm, realm.find('?') == std::string::npos ? "?" : "&");
  if (const std::string service = challenge.Parameter("service"); !service.empty()) {
    absl::StrAppend(&url, "service=", EncodeForQuery(service), "&");
  }
  return absl::StrCat(url, "scope=", EncodeForQuery(scope));
}

}  // namespace trident
