// Makes values of netplan documents.
#ifndef TRIDENT_COMMON_KICKSTART_YAML_VALUES_H_
#define TRIDENT_COMMON_KICKSTART_YAML_VALUES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/yaml_scalar.h"
#include "common/base/yaml_value.h"

namespace trident::kickstart {

inline YamlValue PlainValue(std::string text) {
  YamlValue value;
  value.kind = YamlValue::Kind::kScalar;
  value.scalar = std::move(text);
  return value;
}

inline YamlValue NumberValue(uint64_t number) { return PlainValue(std::to_string(number)); }
inline YamlValue BoolValue(bool flag) { return PlainValue(flag ? "true" : "false"); }

// Stays a string, whatever it looks like.
inline YamlValue TextValue(std::string_view text) {
  YamlValue value = PlainValue(std::string(text));
  value.quoted = LooksLikeNonString(text);
  return value;
}

inline YamlValue ListValue(const std::vector<std::string>& texts) {
  YamlValue value;
  value.kind = YamlValue::Kind::kSequence;
  for (const std::string& text : texts) value.sequence.push_back(TextValue(text));
  return value;
}

inline YamlValue MappingValue() {
  YamlValue value;
  value.kind = YamlValue::Kind::kMapping;
  return value;
}

inline void Put(YamlValue& mapping, std::string key, YamlValue value) {
  mapping.mapping.emplace_back(std::move(key), std::move(value));
}

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_YAML_VALUES_H_
