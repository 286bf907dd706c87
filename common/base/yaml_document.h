// Reads YAML text into a tree that knows where everything stood. Safe on hostile input: it is
// bounded in size, depth and number of nodes, and never throws.
#ifndef TRIDENT_COMMON_BASE_YAML_DOCUMENT_H_
#define TRIDENT_COMMON_BASE_YAML_DOCUMENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/yaml_value.h"

namespace trident {

inline constexpr size_t kMaxYamlBytes = 4 << 20;  // of a document
inline constexpr size_t kMaxYamlDepth = 64;       // mappings and sequences inside each other
inline constexpr size_t kMaxYamlNodes = 100'000;  // values, aliases counted as what they repeat
inline constexpr size_t kMaxYamlScalarBytes = 8 << 20;  // of all values, aliases counted likewise
inline constexpr size_t kMaxYamlIndicators = 200'000;   // characters of []{},:?&*!'"
inline constexpr size_t kMaxYamlKeyBytes = 200;         // of one key

struct YamlNode;
// Shared, because an alias is the same node once more.
using YamlNodePtr = std::shared_ptr<const YamlNode>;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  struct Entry {
    std::string key;
    uint32_t line = 0;  // of the key
    uint32_t column = 0;
    YamlNodePtr value;  // never null
  };

  Kind kind = Kind::kNull;
  std::string scalar;
  // The scalar is a string whatever it looks like: quoted, a block, or tagged !!str.
  bool quoted = false;
  // A tag of the document's own, "!image"; empty for YAML's own tags and for none.
  std::string tag;
  uint32_t line = 0;  // 1-based
  uint32_t column = 0;
  std::vector<YamlNodePtr> sequence;
  std::vector<Entry> mapping;  // in the document's order, every key once

  // The value of `key`, or null. Only mappings have any.
  const YamlNode* Find(std::string_view key) const;
};

struct YamlDocument {
  // The tree. Null when the text is no YAML or is over a bound; findings then say why. What follows
  // a whole document is a finding, and the tree is that of the first one.
  YamlNodePtr root;
  // Syntax errors, duplicate keys, keys that are not strings, ...: the tree has what is left.
  std::vector<Finding> findings;
};

// Reads one document. An empty text is a null node.
YamlDocument LoadYaml(std::string_view text);

// The same value without positions. `quoted` is kept only where it matters, so that two spellings
// of one value are equal.
YamlValue ToYamlValue(const YamlNode& node);
YamlNode FromYamlValue(const YamlValue& value);

// "a mapping", "a list", "null", "the text \"abc\"": for messages; long texts are shortened.
std::string DescribeYamlNode(const YamlNode& node);

// `text` shortened to at most `limit` bytes, control characters replaced: for messages and paths.
std::string Shorten(std::string_view text, size_t limit = 60);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_YAML_DOCUMENT_H_
