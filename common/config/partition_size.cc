#include "common/config/partition_size.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "absl/status/status.h"
#include "common/base/strings.h"
#include "common/base/yaml_document.h"

namespace trident {
namespace {

constexpr std::string_view kUnits = "KMGT";
constexpr unsigned kBitsPerUnit = 10;

}  // namespace

absl::StatusOr<PartitionSize> ParsePartitionSize(std::string_view text) {
  text = StripWhitespace(text);
  if (text == "grow") return PartitionSize{.grow = true};
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = StripWhitespace(text.substr(digits));
  const size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (digits == 0 || unit.size() > 1 || (!unit.empty() && power == 0)) {
    return absl::InvalidArgumentError(
        StrCat("\"", Shorten(text),
               "\" is not a size: expected \"grow\" or a whole number "
               "with one of the units K, M, G, T or none (bytes)"));
  }
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  const unsigned shift = kBitsPerUnit * static_cast<unsigned>(power);
  if (error != std::errc() || number > (std::numeric_limits<uint64_t>::max() >> shift)) {
    return absl::OutOfRangeError(
        StrCat("\"", Shorten(text), "\" is more bytes than 64 bits can hold"));
  }
  return PartitionSize{.grow = false, .bytes = number << shift};
}

std::string FormatPartitionSize(const PartitionSize& size) {
  if (size.grow) return "grow";
  const auto zeros = size.bytes == 0 ? 0u : static_cast<unsigned>(std::countr_zero(size.bytes));
  const unsigned power = std::min(zeros / kBitsPerUnit, static_cast<unsigned>(kUnits.size()));
  if (power == 0) return StrCat(size.bytes);
  return StrCat(size.bytes >> (kBitsPerUnit * power), kUnits.substr(power - 1, 1));
}

}  // namespace trident
