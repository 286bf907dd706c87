// Where a line of a kickstart comes from.
#ifndef TRIDENT_COMMON_KICKSTART_SOURCE_H_
#define TRIDENT_COMMON_KICKSTART_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

namespace trident::kickstart {

struct Line;

struct Source {
  enum class Kind { kUnknown, kInputString, kFile, kKsAppend, kInclude };

  Kind kind = Kind::kUnknown;
  std::string file;                  // kFile, kKsAppend, kInclude
  std::shared_ptr<const Line> from;  // kKsAppend, kInclude: the line that pulled the file in
};

struct Line {
  std::shared_ptr<const Source> source;  // null: as kUnknown
  uint32_t number = 0;                   // 1-based; 0: the source as a whole
  std::string text;                      // without its line break

  Source::Kind kind() const { return source == nullptr ? Source::Kind::kUnknown : source->kind; }
};

// "ks.cfg:12"; without a number "ks.cfg". A text that is in no file is "<kickstart>".
std::string DescribePlace(const Line& line);

// " (included at ks.cfg:3)", once for every file on the way; empty for a line of the kickstart
// itself.
std::string DescribeOrigin(const Line& line);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_SOURCE_H_
