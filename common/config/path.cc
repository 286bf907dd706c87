#include "common/config/path.h"

#include "common/base/strings.h"

namespace trident {

std::string NormalizePath(std::string_view path) {
  return StrCat("/", StrJoin(StrSplitNonEmpty(path, '/'), "/"));
}

bool IsAtOrBelow(std::string_view path, std::string_view folder) {
  const std::string above = NormalizePath(folder);
  if (above == "/") return true;
  const std::string below = NormalizePath(path);
  return below == above || below.starts_with(above + "/");
}

}  // namespace trident
