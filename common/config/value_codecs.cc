#include "common/config/value_codecs.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/base/yaml_scalar.h"
#include "common/config/partition_size.h"
#include "common/config/writer.h"

namespace trident {
namespace {

constexpr std::string_view kIgnored = "ignored";
constexpr std::string_view kManifest = "manifest";

// Netplan knows no tags.
bool HasTags(const YamlNode& node) {
  if (!node.tag.empty()) return true;
  for (const YamlNodePtr& item : node.sequence) {
    if (HasTags(*item)) return true;
  }
  for (const YamlNode::Entry& entry : node.mapping) {
    if (HasTags(*entry.value)) return true;
  }
  return false;
}

}  // namespace

void ValueCodec<PartitionSize>::Read(Reader& reader, const YamlNode& node, const std::string& path,
                                     PartitionSize& out) {
  constexpr char kExpected[] = "\"grow\" or a size such as 512M";
  const std::string* const text = reader.ExpectScalar(node, path, kExpected);
  if (text == nullptr) return;
  // An integer of YAML may also be written 0x200 or +512.
  if (uint64_t bytes = 0;
      !node.quoted && ParseYamlUnsigned(*text, bytes) == YamlIntegerError::kNone) {
    out = PartitionSize{.grow = false, .bytes = bytes};
    return;
  }
  const auto size = ParsePartitionSize(*text);
  if (size.ok()) {
    out = *size;
    return;
  }
  reader.Fail(node, path, std::string(size.status().message()),
              StrCat("Write ", kExpected, ", with K, M, G or T in upper case."));
}

YamlNode ValueCodec<PartitionSize>::Write(const PartitionSize& value) {
  return StringNode(FormatPartitionSize(value));
}

void ValueCodec<ImageHash>::Read(Reader& reader, const YamlNode& node, const std::string& path,
                                 ImageHash& out) {
  const std::string* const text = reader.ExpectScalar(node, path, "a string");
  if (text == nullptr) return;
  const std::string_view value = StripWhitespace(*text);
  if (value == kIgnored) {
    out = ImageHash::Ignored();
  } else if (value == kManifest) {
    out = ImageHash::Manifest();
  } else if (value.size() == 64 && std::all_of(value.begin(), value.end(), IsAsciiHexDigit)) {
    out = ImageHash::Of(AsciiToLower(value));
  } else {
    reader.Fail(
        node, path,
        StrCat("must be 64 hexadecimal digits, or exactly \"manifest\" or \"ignored\", found ",
               DescribeYamlNode(node)),
        "Write the output of sha256sum of the image's file.");
  }
}

YamlNode ValueCodec<ImageHash>::Write(const ImageHash& value) {
  switch (value.kind) {
    case ImageHash::Kind::kIgnored:
      return StringNode(kIgnored);
    case ImageHash::Kind::kManifest:
      return StringNode(kManifest);
    case ImageHash::Kind::kHex:
      break;
  }
  return StringNode(value.hex);
}

void ValueCodec<YamlValue>::Read(Reader& reader, const YamlNode& node, const std::string& path,
                                 YamlValue& out) {
  if (!reader.ExpectMapping(node, path)) return;
  if (HasTags(node)) {
    reader.Fail(node, path, "tags (!name) have no meaning in a netplan mapping",
                "Remove the tags.");
    return;
  }
  if (!node.mapping.empty()) {
    const YamlNode* const version = node.Find("version");
    if (version == nullptr) {
      reader.Fail(node, path + ".version", "the key \"version\" is missing here",
                  "Add \"version: 2\".");
      return;
    }
    uint64_t number = 0;
    if (version->kind != YamlNode::Kind::kScalar || version->quoted ||
        ParseYamlUnsigned(version->scalar, number) != YamlIntegerError::kNone || number != 2) {
      reader.Fail(*version, path + ".version",
                  StrCat("expected the number 2, found ", DescribeYamlNode(*version)),
                  "Write \"version: 2\", without quotes.");
      return;
    }
  }
  reader.LocateAll(node, path);
  out = ToYamlValue(node);
}

YamlNode ValueCodec<YamlValue>::Write(const YamlValue& value) { return FromYamlValue(value); }

void ValueCodec<AllowedOperations>::Read(Reader& reader, const YamlNode& node,
                                         const std::string& path, AllowedOperations& out) {
  const std::string* const text = reader.ExpectScalar(node, path, "a string");
  if (text == nullptr) return;
  const auto operations = ParseAllowedOperations(*text);
  if (operations.ok()) {
    out = *operations;
    return;
  }
  const ErrorDetail detail = GetErrorDetail(operations.status());
  reader.Fail(node, path, detail.message, detail.remedy);
}

YamlNode ValueCodec<AllowedOperations>::Write(const AllowedOperations& value) {
  return StringNode(FormatAllowedOperations(value));
}

}  // namespace trident
