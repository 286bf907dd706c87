#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/strings.h"
#include "common/base/yaml_scalar.h"
#include "common/config/describe.h"
#include "common/config/document.h"

namespace trident {
namespace {

// Keys in the order of their insertion: that of the declarations.
using Json = nlohmann::ordered_json;

Json Reference(std::string_view name) { return {{"$ref", StrCat("#/$defs/", name)}}; }

Json TypeSchema(const TypeDescription& type) {
  switch (type.kind) {
    case TypeDescription::Kind::kBoolean:
      return {{"type", "boolean"}};
    case TypeDescription::Kind::kInteger:
      return {{"type", "integer"}, {"minimum", 0}, {"maximum", type.maximum}};
    case TypeDescription::Kind::kString: {
      Json schema = {{"type", "string"}};
      const std::string_view pattern = FormatPattern(type.format);
      if (!pattern.empty()) schema["pattern"] = std::string(pattern);
      return schema;
    }
    case TypeDescription::Kind::kEnum: {
      Json schema = {{"enum", Json::array()}};
      for (const std::string_view value : type.values) schema["enum"].push_back(std::string(value));
      return schema;
    }
    case TypeDescription::Kind::kList:
      return {{"type", "array"}, {"items", TypeSchema(type.item.front())}};
    case TypeDescription::Kind::kMap:
      return {{"type", "object"}, {"additionalProperties", TypeSchema(type.item.front())}};
    case TypeDescription::Kind::kObject:
      return Reference(type.name);
    case TypeDescription::Kind::kSpecial: {
      Json types = Json::array();
      bool has_integer = false;
      for (const std::string_view name : type.schema_types) {
        types.push_back(std::string(name));
        has_integer |= name == "integer";
      }
      Json schema = {{"type", types.size() == 1 ? types.front() : types}};
      if (!type.pattern.empty()) schema["pattern"] = std::string(type.pattern);
      if (has_integer) schema["minimum"] = 0;
      return schema;
    }
  }
  return Json::object();
}

Json DefaultValue(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kSequence:
      return Json::array();
    case YamlNode::Kind::kMapping:
      return Json::object();
    case YamlNode::Kind::kScalar:
      break;
  }
  if (const auto boolean = ParseYamlBool(node.scalar); boolean && !node.quoted) return *boolean;
  uint64_t number = 0;
  if (!node.quoted && ParseYamlUnsigned(node.scalar, number) == YamlIntegerError::kNone) {
    return number;
  }
  return node.scalar;
}

// The reader takes null for a field that may be absent.
Json Nullable(const Json& schema) { return {{"anyOf", {schema, {{"type", "null"}}}}}; }

Json ObjectSchema(const ObjectDescription& object) {
  Json schema = {{"type", "object"}, {"description", std::string(object.doc)}};
  Json& properties = schema["properties"] = Json::object();
  Json required = Json::array();
  for (const FieldDescription& field : object.fields) {
    Json property = {{"description", std::string(field.doc)}};
    const Json type = TypeSchema(field.type);
    property.update(field.is_required ? type : Nullable(type));
    if (field.default_value.kind != YamlNode::Kind::kNull) {
      property["default"] = DefaultValue(field.default_value);
    }
    if (!field.also.empty()) {
      Json other = property;
      other["description"] = StrCat("The same as ", field.key, ".");
      properties[std::string(field.also)] = std::move(other);
    }
    properties[std::string(field.key)] = std::move(property);
    if (field.is_required) required.push_back(std::string(field.key));
  }
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace

std::string HostConfigurationJsonSchema() {
  const auto objects = DescribeHostConfiguration();
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Trident Host Configuration"}};
  schema.update(ObjectSchema(objects.front()));
  Json& definitions = schema["$defs"] = Json::object();
  for (size_t index = 1; index < objects.size(); ++index) {
    definitions[std::string(objects[index].name)] = ObjectSchema(objects[index]);
  }
  return schema.dump(2) + "\n";
}

}  // namespace trident
