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
void RefuseTags(Reader& reader, const YamlNode& node, const std::string& path) {
  if (!node.tag.empty()) {
    reader.FailBeside(
        node, path,
        StrCat("the tag \"", Shorten(node.tag), "\" has no meaning in a netplan mapping"),
        "Remove the tag.");
  }
  for (size_t i = 0; i < node.sequence.size(); ++i) {
    RefuseTags(reader, *node.sequence[i], StrCat(path, "[", i, "]"));
  }
  for (const YamlNode::Entry& entry : node.mapping) {
    RefuseTags(reader, *entry.value, StrCat(path, ".", Shorten(entry.key)));
  }
}

// A mapping that says anything says of which version it is.
void CheckNetplanVersion(Reader& reader, const YamlNode& node, const std::string& path) {
  if (node.mapping.empty()) return;
  const YamlNode* const version = node.Find("version");
  if (version == nullptr) {
    reader.Fail(node, path, "the key \"version\" is missing here", "Add \"version: 2\".");
    return;
  }
  uint64_t number = 0;
  if (version->kind != YamlNode::Kind::kScalar || version->quoted ||
      ParseYamlUnsigned(version->scalar, number) != YamlIntegerError::kNone || number != 2) {
    reader.Fail(*version, path,
                StrCat("expected the number 2, found ", version->quoted ? "the text " : "",
                       DescribeYamlNode(*version)),
                "Write \"version: 2\", without quotes.");
  }
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
  for (const YamlNode::Entry& entry : node.mapping) {
    RefuseTags(reader, *entry.value, StrCat(path, ".", Shorten(entry.key)));
  }
  CheckNetplanVersion(reader, node, path + ".version");
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
