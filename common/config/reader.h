// Reads a YAML tree into a model by the model's declarations. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_READER_H_
#define TRIDENT_COMMON_CONFIG_READER_H_

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/allowed_operations.h"
#include "common/config/field.h"
#include "common/config/finding_list.h"

namespace trident {

enum class UnknownKeys { kRefuse, kIgnore };

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsMap : std::false_type {};
template <typename T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

// Values of T are mappings, or lists of them: they may declare ids that other places refer to.
template <typename T>
struct HoldsObjects : std::bool_constant<HasSchema<T>> {};
template <typename T>
struct HoldsObjects<std::optional<T>> : HoldsObjects<T> {};
template <typename T>
struct HoldsObjects<std::vector<T>> : HoldsObjects<T> {};

// All faults go to the FindingList; where there is one, the model keeps its default.
class Reader {
 public:
  Reader(FindingList& findings, UnknownKeys unknown_keys)
      : findings_(findings), unknown_keys_(unknown_keys) {}

  // Reads the value `node`, which stands at `path`, into `out`.
  template <typename T>
  void Read(const YamlNode& node, const std::string& path, Format format, T& out) {
    if constexpr (IsOptional<T>::value) {
      Read(node, path, format, out.emplace());
    } else if constexpr (HasValueCodec<T>) {
      Locate(node, path);
      ValueCodec<T>::Read(*this, node, path, out);
    } else if constexpr (HasSchema<T>) {
      ReadObject(node, path, out);
    } else if constexpr (IsVector<T>::value) {
      if (!ExpectSequence(node, path, HoldsObjects<T>::value)) return;
      for (size_t index = 0; index < node.sequence.size(); ++index) {
        const std::string item_path = StrCat(path, "[", index, "]");
        Read(*node.sequence[index], item_path, format, out.emplace_back());
      }
    } else if constexpr (IsMap<T>::value) {
      if (!ExpectMapping(node, path)) return;
      for (const YamlNode::Entry& entry : node.mapping) {
        Read(*entry.value, StrCat(path, ".", Shorten(entry.key)), format, out[entry.key]);
      }
    } else if constexpr (HasEnumNames<T>) {
      std::vector<std::string_view> names;
      for (const auto& [value, name] : EnumNames<T>::kNames) names.push_back(name);
      if (const auto index = ReadChoice(node, path, names)) {
        out = EnumNames<T>::kNames[*index].first;
      }
    } else if constexpr (std::same_as<T, bool>) {
      ReadBool(node, path, out);
    } else if constexpr (std::unsigned_integral<T>) {
      if (const auto value = ReadUnsigned(node, path, std::numeric_limits<T>::max())) {
        out = static_cast<T>(*value);
      }
    } else {
      static_assert(std::same_as<T, std::string>);
      ReadString(node, path, format, out);
    }
  }

  // The text of a scalar of any type; null with a finding when it is something else.
  const std::string* ExpectScalar(const YamlNode& node, const std::string& path,
                                  std::string_view expected);

  // The value at `path` is wrong.
  void Fail(const YamlNode& node, const std::string& path, std::string reason, std::string remedy);

  // Something is wrong beside the value at `path`, which is read all the same.
  void FailBeside(const YamlNode& node, const std::string& path, std::string reason,
                  std::string remedy);

  bool ExpectMapping(const YamlNode& node, const std::string& path);

  // Notes where everything inside of `node` stands: for rules about values without a schema.
  void LocateAll(const YamlNode& node, const std::string& path);

  template <typename T>
  void ReadObject(const YamlNode& node, const std::string& path, T& out) {
    if (!ExpectMapping(node, path)) return;
    ReadFields(node, path, out);
  }

  // As ReadObject, for a mapping whose tag was taken care of.
  template <typename T>
  void ReadFields(const YamlNode& node, const std::string& path, T& out) {
    FieldReader<T> fields(*this, node, path, out);
    Schema<T>::Visit(fields);
    RefuseUnknownKeys(node, path, fields.keys());
  }

 private:
  // Visits the declarations of T.
  template <typename T>
  class FieldReader {
   public:
    FieldReader(Reader& reader, const YamlNode& node, const std::string& path, T& out)
        : reader_(reader), node_(node), path_(path), out_(out) {}

    template <typename M>
    void Required(const Field& field, M T::*member) {
      const std::string path = reader_.ChildPath(path_, field.key);
      if (const YamlNode* value = Find(field, path)) {
        reader_.Read(*value, path, field.format, out_.*member);
      } else {
        reader_.FailMissing(node_, path, field.key, IsDeclaring<M>(field));
      }
    }

    template <typename M>
    void Optional(const Field& field, M T::*member) {
      const std::string path = reader_.ChildPath(path_, field.key);
      const YamlNode* const value = Find(field, path);
      if (value == nullptr) return;
      // To allow nothing and to allow all must not be mixed up: there null is refused.
      const bool null_is_absent = !std::same_as<M, AllowedOperations>;
      if (value->kind == YamlNode::Kind::kNull && null_is_absent) return;
      reader_.Read(*value, path, field.format, out_.*member);
    }

    template <typename M>
    void Shown(const Field& field, M T::*member) {
      Optional(field, member);
    }

    const std::vector<std::string_view>& keys() const { return keys_; }

   private:
    // What is missing here may declare ids that other places refer to.
    template <typename M>
    static bool IsDeclaring(const Field& field) {
      return field.key == "id" || HoldsObjects<M>::value;
    }

    const YamlNode* Find(const Field& field, const std::string& path) {
      keys_.push_back(field.key);
      const YamlNode* value = node_.Find(field.key);
      if (field.also.empty()) return value;
      keys_.push_back(field.also);
      const YamlNode* const other = node_.Find(field.also);
      if (value != nullptr && other != nullptr) reader_.FailTwoSpellings(*other, path, field);
      return value != nullptr ? value : other;
    }

    Reader& reader_;
    const YamlNode& node_;
    const std::string& path_;
    T& out_;
    std::vector<std::string_view> keys_;
  };

  static std::string ChildPath(const std::string& path, std::string_view key);

  void Locate(const YamlNode& node, const std::string& path);
  void FailMissing(const YamlNode& node, const std::string& path, std::string_view key,
                   bool is_declaring);
  void FailTwoSpellings(const YamlNode& node, const std::string& path, const Field& field);
  void RefuseUnknownKeys(const YamlNode& node, const std::string& path,
                         const std::vector<std::string_view>& known);
  // A custom tag of YAML is refused, with a finding, everywhere but where a codec wants it.
  bool ExpectNoTag(const YamlNode& node, const std::string& path);
  // The same for a mapping or a list, which is read without it.
  void RefuseTag(const YamlNode& node, const std::string& path);
  bool ExpectSequence(const YamlNode& node, const std::string& path, bool holds_objects);
  std::optional<size_t> ReadChoice(const YamlNode& node, const std::string& path,
                                   const std::vector<std::string_view>& names);
  void ReadBool(const YamlNode& node, const std::string& path, bool& out);
  std::optional<uint64_t> ReadUnsigned(const YamlNode& node, const std::string& path,
                                       uint64_t limit);
  void ReadString(const YamlNode& node, const std::string& path, Format format, std::string& out);

  FindingList& findings_;
  UnknownKeys unknown_keys_;
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_READER_H_
