#include "common/kickstart/key_values.h"

#include <algorithm>
#include <set>
#include <string>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"

namespace trident::kickstart {

absl::StatusOr<KeyValues> ParseKeyValues(std::string_view text, char divider) {
  KeyValues pairs;
  std::set<std::string> keys;
  for (const std::string_view untrimmed : StrSplit(text, divider)) {
    const std::string_view part = StripWhitespace(untrimmed);
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    const std::string key(part.substr(0, equals));
    const std::string quoted = StrCat("\"", Shorten(part), "\"");
    if (equals == std::string_view::npos || key.empty()) {
      return absl::InvalidArgumentError(StrCat(quoted, " is not KEY=VALUE"));
    }
    if (!keys.insert(key).second) {
      return absl::InvalidArgumentError(StrCat(quoted, ": the key is there twice"));
    }
    pairs.emplace_back(key, part.substr(equals + 1));
  }
  return pairs;
}

char BondDividerOf(std::string_view text) {
  if (text.find(';') != std::string_view::npos) return ';';
  const auto commas = std::count(text.begin(), text.end(), ',');
  const auto equals = std::count(text.begin(), text.end(), '=');
  const bool ends_with_comma = text.ends_with(',');
  const bool divides = ends_with_comma ? commas == equals : commas == equals - 1;
  return divides ? ',' : ';';
}

}  // namespace trident::kickstart
