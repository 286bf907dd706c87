// What a plain (unquoted) YAML scalar means: the YAML 1.2 core schema, as far as documents need it.
#ifndef TRIDENT_COMMON_BASE_YAML_SCALAR_H_
#define TRIDENT_COMMON_BASE_YAML_SCALAR_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace trident {

// true, True, TRUE and the same of false. `yes`, `no`, `on`, `off` are strings.
std::optional<bool> ParseYamlBool(std::string_view text);

enum class YamlIntegerError { kNone, kNotAnInteger, kNegative, kTooLarge };

// Decimal, 0x and 0o, with an optional plus sign. On any error `value` is left alone.
YamlIntegerError ParseYamlUnsigned(std::string_view text, uint64_t& value);

// Some YAML reader, of version 1.1 or 1.2, would take this plain text for something else than a
// string: null, a boolean (also yes, no, on, off), a number, a time, a merge key.
bool LooksLikeNonString(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_YAML_SCALAR_H_
