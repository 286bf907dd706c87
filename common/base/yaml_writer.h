// YAML text out of a tree.
#ifndef TRIDENT_COMMON_BASE_YAML_WRITER_H_
#define TRIDENT_COMMON_BASE_YAML_WRITER_H_

#include <string>

#include "common/base/yaml_document.h"

namespace trident {

// Block style, two blanks per level, a line break at the end. Scalars are quoted only where they
// must be. LoadYaml reads the same tree back. The text depends on nothing but the tree: digests
// of documents are made from it, and agents of different versions have to agree about them
// (hence no library's emitter, whose choices change from version to version).
std::string WriteYaml(const YamlNode& node);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_YAML_WRITER_H_
