#include "agent/imaging/hash_manifest.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/config/url.h"

namespace trident {
namespace {

constexpr size_t kHexDigits = 64;

struct Entry {
  std::string hash;
  std::string name;
};

std::optional<std::string> Unescape(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      name.push_back(text[i]);
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    switch (text[i]) {
      case '\\':
        name.push_back('\\');
        break;
      case 'n':
        name.push_back('\n');
        break;
      case 'r':
        name.push_back('\r');
        break;
      default:
        return std::nullopt;
    }
  }
  return name;
}

std::optional<Entry> ParseLine(std::string_view line) {
  const bool escaped = line.starts_with('\\');
  if (escaped) line.remove_prefix(1);
  if (line.size() < kHexDigits + 3) return std::nullopt;
  const std::string_view hash = line.substr(0, kHexDigits);
  const std::string_view marker = line.substr(kHexDigits, 2);
  const bool hex = std::all_of(hash.begin(), hash.end(), [](char c) { return IsAsciiHexDigit(c); });
  if (!hex || (marker != "  " && marker != " *")) return std::nullopt;
  const std::string_view name = line.substr(kHexDigits + marker.size());
  const std::optional<std::string> decoded = escaped ? Unescape(name) : std::string(name);
  if (!decoded) return std::nullopt;
  return Entry{AsciiToLower(hash), *decoded};
}

absl::Status BadManifest(const std::string& reason, std::string remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "image", "hash-manifest", reason,
                   std::move(remedy));
}

// Where the path of the URL ends: a '/' behind that belongs to the query or the fragment.
size_t EndOfPath(const ImageUrl& url) {
  return url.scheme == ImageUrl::Scheme::kFile
             ? url.text.size()
             : std::min(url.text.find_first_of("?#"), url.text.size());
}

// Behind the last '/' of the path. No value: the URL has no path at all.
std::optional<size_t> BeginOfName(const ImageUrl& url) {
  const size_t authority = url.text.find("://") + 3;
  const size_t slash = url.text.rfind('/', EndOfPath(url) - 1);
  if (slash == std::string::npos || slash < authority) return std::nullopt;
  return slash + 1;
}

}  // namespace

absl::StatusOr<std::string> FindInHashManifest(std::string_view text, const std::string& name) {
  std::optional<std::string> found;
  int number = 0;
  for (const std::string_view line : StrSplit(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const std::optional<Entry> entry = ParseLine(line);
    if (!entry) {
      return BadManifest(absl::StrCat("line ", number,
                                      " is not in the format of sha256sum: hash, two blanks, name"),
                         "Write the list with sha256sum.");
    }
    if (entry->name != name && entry->name != absl::StrCat("./", name)) continue;
    if (found && *found != entry->hash) {
      return BadManifest(absl::StrCat("'", name, "' is listed with two different hashes"),
                         "Write the list anew.");
    }
    found = entry->hash;
  }
  if (found) return *found;
  return MakeError(absl::StatusCode::kNotFound, "image", "hash-not-listed",
                   absl::StrCat("'", name, "' is not listed"),
                   "List the image: sha256sum IMAGE >> SHA256SUMS.");
}

absl::StatusOr<std::string> FileNameOf(const ImageUrl& url) {
  const std::optional<size_t> begin = BeginOfName(url);
  const std::string name = begin ? url.text.substr(*begin, EndOfPath(url) - *begin) : std::string();
  const absl::StatusOr<std::string> decoded = DecodePercent(name);
  if (decoded.ok() && !decoded->empty()) return *decoded;
  return MakeError(absl::StatusCode::kInvalidArgument, "invalid-input", "image-url",
                   absl::StrCat("image URL '", url.printable, "' does not end in a file's name"),
                   "Name the image's file.");
}

absl::StatusOr<ImageUrl> SiblingOf(const ImageUrl& url, const std::string& name) {
  const std::optional<size_t> begin = BeginOfName(url);
  return ParseImageUrl(begin ? absl::StrCat(url.text.substr(0, *begin), name)
                             : absl::StrCat(url.text.substr(0, EndOfPath(url)), "/", name));
}

}  // namespace trident
