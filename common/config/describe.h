// The declarations of a document as data, for its JSON Schema and its documentation. Private to
// common/config.
#ifndef TRIDENT_COMMON_CONFIG_DESCRIBE_H_
#define TRIDENT_COMMON_CONFIG_DESCRIBE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/yaml_document.h"
#include "common/config/format.h"

namespace trident {

// What a value may be.
struct TypeDescription {
  enum class Kind { kBoolean, kInteger, kString, kEnum, kList, kMap, kObject, kSpecial };
  Kind kind = Kind::kString;
  Format format = Format::kText;               // kString
  std::vector<std::string_view> values;        // kEnum
  std::vector<TypeDescription> item;           // kList, kMap: exactly one
  std::string_view name;                       // kObject: of its ObjectDescription; kSpecial: text
  std::vector<std::string_view> schema_types;  // kSpecial: types in the JSON Schema
  std::string_view pattern;                    // kSpecial
  uint64_t maximum = 0;                        // kInteger
};

struct FieldDescription {
  std::string_view key;
  std::string_view also;  // another spelling; may be empty
  std::string_view doc;
  bool is_required = false;
  TypeDescription type;
  YamlNode default_value;  // kNull: none
};

struct ObjectDescription {
  std::string_view name;
  std::string_view doc;
  std::vector<FieldDescription> fields;
};

// The Host Configuration and everything that it is made of, each once, in the order of the
// document: outer objects before inner ones.
std::vector<ObjectDescription> DescribeHostConfiguration();

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_DESCRIBE_H_
