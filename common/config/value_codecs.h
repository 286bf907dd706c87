// Values of the documents that have a grammar of their own. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_VALUE_CODECS_H_
#define TRIDENT_COMMON_CONFIG_VALUE_CODECS_H_

#include <string>

#include "common/base/yaml_value.h"
#include "common/config/allowed_operations.h"
#include "common/config/field.h"
#include "common/config/host_configuration.h"
#include "common/config/reader.h"

namespace trident {

// kDescription is for the documentation; kSchemaTypes and kPattern are for the JSON Schema.

template <>
struct ValueCodec<PartitionSize> {
  static constexpr char kDescription[] = "size";
  static constexpr std::string_view kSchemaTypes[] = {"string", "integer"};
  static constexpr char kPattern[] = "^\\s*(grow|[0-9]+\\s*[KMGT]?)\\s*$";
  static void Read(Reader& reader, const YamlNode& node, const std::string& path,
                   PartitionSize& out);
  static YamlNode Write(const PartitionSize& value);
};

template <>
struct ValueCodec<ImageHash> {
  static constexpr char kDescription[] = "64 hexadecimal digits, `manifest` or `ignored`";
  static constexpr std::string_view kSchemaTypes[] = {"string"};
  static constexpr char kPattern[] = "^\\s*([0-9A-Fa-f]{64}|ignored|manifest)\\s*$";
  static void Read(Reader& reader, const YamlNode& node, const std::string& path, ImageHash& out);
  static YamlNode Write(const ImageHash& value);
};

// The contents of a netplan `network:` mapping.
template <>
struct ValueCodec<YamlValue> {
  static constexpr char kDescription[] = "netplan mapping";
  static constexpr std::string_view kSchemaTypes[] = {"object"};
  static constexpr char kPattern[] = "";
  static void Read(Reader& reader, const YamlNode& node, const std::string& path, YamlValue& out);
  static YamlNode Write(const YamlValue& value);
};

template <>
struct ValueCodec<AllowedOperations> {
  static constexpr char kDescription[] = "`update`, `transition`, joined by `\\|`, or empty";
  static constexpr std::string_view kSchemaTypes[] = {"string"};
  static constexpr char kPattern[] = "^[A-Za-z |]*$";
  static void Read(Reader& reader, const YamlNode& node, const std::string& path,
                   AllowedOperations& out);
  static YamlNode Write(const AllowedOperations& value);
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_VALUE_CODECS_H_
