// Absolute paths as text.
#ifndef TRIDENT_COMMON_CONFIG_PATH_H_
#define TRIDENT_COMMON_CONFIG_PATH_H_

#include <string>
#include <string_view>

namespace trident {

// One path for all spellings: "/a//b/" is "/a/b".
std::string NormalizePath(std::string_view path);

// `path` is `folder` or below it, by whole components. Both may have any spelling.
bool IsAtOrBelow(std::string_view path, std::string_view folder);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_PATH_H_
