#include <string>

#include "common/base/strings.h"
#include "common/config/describe.h"
#include "common/config/document.h"

namespace trident {
namespace {

constexpr char kIntroduction[] = R"(# Host Configuration

<!-- Generated from common/config/host_configuration_schema.h: change that, then write the output
of `tridentctl schema --format markdown` here. -->

The Host Configuration is a YAML document that says which state a host should be in. The agent takes
the host there: by a clean install, by an update of the volumes that are not in use, or live.

- Every key below may be given once; a key that is not listed is refused. `{}` is a valid document.
- Keys that are not required may be absent or null. Texts may be written with or without quotes.
- Disks, partitions, arrays, encrypted volumes, volume pairs and verity devices have ids in one
  namespace; `targetId` and the like refer to them. An id is not empty and has no `/` in it.
- A document is at most 4 MiB of UTF-8 with at most 64 levels and 100,000 values.
- `tridentctl validate -f FILE` checks a document and reports all that is wrong with it, each with
  line and column; `tridentctl schema` prints the JSON Schema for editors.

## Example

Two volume pairs and one partition for what outlives updates; more in
[examples/host.yaml](examples/host.yaml).

```yaml
storage:
  disks:
    - id: disk
      device: /dev/disk/by-path/pci-0000:00:04.0
      partitionTableType: gpt
      partitions:
        - {id: esp-a, type: esp, size: 256M}
        - {id: esp-b, type: esp, size: 256M}
        - {id: root-a, type: root, size: 4G}
        - {id: root-b, type: root, size: 4G}
        - {id: data, type: linux-generic, size: grow}
  abUpdate:
    volumePairs:
      - {id: esp, volumeAId: esp-a, volumeBId: esp-b}
      - {id: root, volumeAId: root-a, volumeBId: root-b}
  mountPoints:
    - {path: /, filesystem: ext4, options: [defaults], targetId: root}
    - {path: /boot/efi, filesystem: vfat, options: [umask=0077], targetId: esp}
    - {path: /var/lib/trident, filesystem: ext4, options: [defaults], targetId: data}
  images:
    - {url: 'http://192.0.2.10/esp.zst', sha256: ignored, format: raw-zstd, targetId: esp}
    - {url: 'http://192.0.2.10/root.zst', sha256: ignored, format: raw-zstd, targetId: root}
```
)";

std::string TypeText(const TypeDescription& type) {
  switch (type.kind) {
    case TypeDescription::Kind::kBoolean:
      return "boolean";
    case TypeDescription::Kind::kInteger:
      return "whole number";
    case TypeDescription::Kind::kString:
      return std::string(FormatName(type.format));
    case TypeDescription::Kind::kEnum: {
      std::string text;
      for (const std::string_view value : type.values) {
        StrAppend(&text, text.empty() ? "" : ", ", "`", value, "`");
      }
      return text;
    }
    case TypeDescription::Kind::kList:
      return type.item.front().kind == TypeDescription::Kind::kEnum
                 ? StrCat("list of: ", TypeText(type.item.front()))
                 : StrCat("list of ", TypeText(type.item.front()));
    case TypeDescription::Kind::kMap:
      return StrCat("mapping of name to ", TypeText(type.item.front()));
    case TypeDescription::Kind::kObject:
      return StrCat("[", type.name, "](#", AsciiToLower(type.name), ")");
    case TypeDescription::Kind::kSpecial:
      return std::string(type.name);
  }
  return "";
}

std::string DefaultText(const FieldDescription& field) {
  const YamlNode& node = field.default_value;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "–";
    case YamlNode::Kind::kSequence:
      return "`[]`";
    case YamlNode::Kind::kMapping:
      return "`{}`";
    case YamlNode::Kind::kScalar:
      return node.scalar.empty() ? "–" : StrCat("`", node.scalar, "`");
  }
  return "";
}

void AppendObject(const ObjectDescription& object, std::string& out) {
  StrAppend(&out, "\n## ", object.name, "\n\n", object.doc, "\n\n",
            "| key | type | required | default | meaning |\n|---|---|---|---|---|\n");
  for (const FieldDescription& field : object.fields) {
    StrAppend(&out, "| `", field.key, "` | ", TypeText(field.type), " | ",
              field.is_required ? "yes" : "no", " | ", DefaultText(field), " | ", field.doc,
              " |\n");
  }
}

}  // namespace

std::string HostConfigurationMarkdown() {
  std::string out = kIntroduction;
  for (const ObjectDescription& object : DescribeHostConfiguration()) AppendObject(object, out);
  return out;
}

}  // namespace trident
