// How a field of a document is declared. Private to common/.
//
// A type of the model has one declaration, Schema<T>, which names its fields once. Visitors take
// everything else from it: the reader, the writer, the JSON Schema and the documentation.
//
//   template <>
//   struct Schema<Image> {
//     static constexpr char kName[] = "Image";
//     static constexpr char kDoc[] = "...";
//     template <class Visitor>
//     static void Visit(Visitor& v) {
//       v.Required({"url", "Where to fetch it.", Format::kImageUrl}, &Image::url);
//       v.Optional(...);  // may be absent or null; not written when it has its default
//       v.Shown(...);     // may be absent or null; always written
//     }
//   };
#ifndef TRIDENT_COMMON_CONFIG_FIELD_H_
#define TRIDENT_COMMON_CONFIG_FIELD_H_

#include <optional>
#include <string_view>

#include "common/config/format.h"

namespace trident {

struct Field {
  std::string_view key;
  std::string_view doc;
  Format format = Format::kText;  // of the string, or of the strings inside
  std::string_view also = {};     // another spelling that is read, too
};

// Specialized for every mapping of a document with declared keys.
template <typename T>
struct Schema;

template <typename T>
concept HasSchema = requires {
  Schema<T>::kName;
};

// Specialized for every enum of a document: kNames, an array of pairs of value and text.
template <typename T>
struct EnumNames;

template <typename T>
concept HasEnumNames = requires {
  EnumNames<T>::kNames;
};

template <typename T>
constexpr std::string_view EnumName(T value) {
  for (const auto& [candidate, name] : EnumNames<T>::kNames) {
    if (candidate == value) return name;
  }
  return "";
}

template <typename T>
constexpr std::optional<T> EnumFromName(std::string_view text) {
  for (const auto& [candidate, name] : EnumNames<T>::kNames) {
    if (text == name) return candidate;
  }
  return std::nullopt;
}

// Specialized for values with a grammar of their own: Read, Write and Describe.
template <typename T>
struct ValueCodec;

template <typename T>
concept HasValueCodec = requires {
  ValueCodec<T>::kDescription;
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_FIELD_H_
