// Writes a model as a YAML tree by the model's declarations. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_WRITER_H_
#define TRIDENT_COMMON_CONFIG_WRITER_H_

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/field.h"
#include "common/config/reader.h"

namespace trident {

// A string; quoted in YAML where it would otherwise be taken for something else.
inline YamlNode StringNode(std::string_view text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.scalar = std::string(text);
  node.quoted = true;
  return node;
}

// A number or boolean.
inline YamlNode PlainNode(std::string_view text) {
  YamlNode node = StringNode(text);
  node.quoted = false;
  return node;
}

template <typename T>
YamlNode ToYaml(const T& value, Format format = Format::kText);

// Visits the declarations of T.
template <typename T>
class FieldWriter {
 public:
  FieldWriter(const T& object, YamlNode& node) : object_(object), node_(node) {}

  template <typename M>
  void Required(const Field& field, M T::*member) {
    node_.mapping.push_back({std::string(field.key), 0, 0,
                             std::make_shared<YamlNode>(ToYaml(object_.*member, field.format))});
  }

  template <typename M>
  void Optional(const Field& field, M T::*member) {
    if (!(object_.*member == default_.*member)) Required(field, member);
  }

  template <typename M>
  void Shown(const Field& field, M T::*member) {
    Required(field, member);
  }

 private:
  const T& object_;
  const T default_ = T();
  YamlNode& node_;
};

template <typename T>
YamlNode ToYaml(const T& value, Format format) {
  YamlNode node;
  if constexpr (IsOptional<T>::value) {
    if (value) return ToYaml(*value, format);
  } else if constexpr (HasValueCodec<T>) {
    return ValueCodec<T>::Write(value);
  } else if constexpr (HasSchema<T>) {
    node.kind = YamlNode::Kind::kMapping;
    FieldWriter<T> fields(value, node);
    Schema<T>::Visit(fields);
  } else if constexpr (IsVector<T>::value) {
    node.kind = YamlNode::Kind::kSequence;
    for (const auto& item : value) {
      node.sequence.push_back(std::make_shared<YamlNode>(ToYaml(item, format)));
    }
  } else if constexpr (IsMap<T>::value) {
    node.kind = YamlNode::Kind::kMapping;
    for (const auto& [key, item] : value) {
      node.mapping.push_back({key, 0, 0, std::make_shared<YamlNode>(ToYaml(item, format))});
    }
  } else if constexpr (HasEnumNames<T>) {
    return StringNode(EnumName(value));
  } else if constexpr (std::same_as<T, bool>) {
    return PlainNode(value ? "true" : "false");
  } else if constexpr (std::unsigned_integral<T>) {
    return PlainNode(StrCat(value));
  } else {
    static_assert(std::same_as<T, std::string>);
    return StringNode(value);
  }
  return node;
}

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_WRITER_H_
