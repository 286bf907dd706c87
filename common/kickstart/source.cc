#include "common/kickstart/source.h"

#include "common/base/strings.h"
#include "common/base/yaml_document.h"

namespace trident::kickstart {
namespace {

constexpr size_t kLongestName = 400;

}  // namespace

std::string DescribePlace(const Line& line) {
  const bool has_file = line.source != nullptr && !line.source->file.empty();
  // Names of files come out of kickstarts, too: nothing in them may steer a terminal.
  const std::string name = has_file ? Shorten(line.source->file, kLongestName) : "<kickstart>";
  return line.number == 0 ? name : StrCat(name, ":", line.number);
}

std::string DescribeOrigin(const Line& line) {
  std::string origin;
  for (const Line* at = &line; at->source != nullptr && at->source->from != nullptr;
       at = at->source->from.get()) {
    const bool is_include = at->kind() == Source::Kind::kInclude;
    StrAppend(&origin, " (", is_include ? "included" : "appended", " at ",
              DescribePlace(*at->source->from), ")");
  }
  return origin;
}

}  // namespace trident::kickstart
