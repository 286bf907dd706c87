// A YAML value of any shape, for parts of a document that are handed on as they are (netplan).
#ifndef TRIDENT_COMMON_BASE_YAML_VALUE_H_
#define TRIDENT_COMMON_BASE_YAML_VALUE_H_

#include <string>
#include <utility>
#include <vector>

namespace trident {

struct YamlValue {
  enum class Kind { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  std::string scalar;
  // The scalar was quoted, so that "2" stays a string when it is written back.
  bool quoted = false;
  std::vector<YamlValue> sequence;
  std::vector<std::pair<std::string, YamlValue>> mapping;  // in the document's order

  // The value of `key`, or null. Only mappings have any.
  const YamlValue* Find(const std::string& key) const {
    for (const auto& [name, value] : mapping) {
      if (name == key) return &value;
    }
    return nullptr;
  }

  bool operator==(const YamlValue&) const = default;
};

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_YAML_VALUE_H_
