#include "common/config/describe.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "common/config/host_configuration_schema.h"
#include "common/config/writer.h"

namespace trident {
namespace {

class Describer {
 public:
  template <typename T>
  void AddObject() {
    if (std::find(names_.begin(), names_.end(), Schema<T>::kName) != names_.end()) return;
    names_.emplace_back(Schema<T>::kName);
    const size_t index = objects_.size();
    objects_.push_back({.name = Schema<T>::kName, .doc = Schema<T>::kDoc, .fields = {}});
    FieldVisitor<T> fields(*this);
    Schema<T>::Visit(fields);
    objects_[index].fields = fields.Take();
  }

  std::vector<ObjectDescription> Take() { return std::move(objects_); }

 private:
  template <typename T>
  class FieldVisitor {
   public:
    explicit FieldVisitor(Describer& describer) : describer_(describer) {}

    template <typename M>
    void Required(const Field& field, M T::*) {
      Add<M>(field, true, YamlNode());
    }

    template <typename M>
    void Optional(const Field& field, M T::*member) {
      // The default of a mapping is that of its fields.
      Add<M>(field, false, HasSchema<M> ? YamlNode() : ToYaml(T().*member, Format::kText));
    }

    template <typename M>
    void Shown(const Field& field, M T::*member) {
      Optional(field, member);
    }

    std::vector<FieldDescription> Take() { return std::move(fields_); }

   private:
    template <typename M>
    void Add(const Field& field, bool is_required, YamlNode default_value) {
      fields_.push_back({.key = field.key,
                         .also = field.also,
                         .doc = field.doc,
                         .is_required = is_required,
                         .type = describer_.Type<M>(field.format),
                         .default_value = std::move(default_value)});
    }

    Describer& describer_;
    std::vector<FieldDescription> fields_;
  };

  template <typename M>
  TypeDescription Type(Format format) {
    using Kind = TypeDescription::Kind;
    TypeDescription type;
    if constexpr (IsOptional<M>::value) {
      return Type<typename M::value_type>(format);
    } else if constexpr (IsVector<M>::value) {
      type.kind = Kind::kList;
      type.item.push_back(Type<typename M::value_type>(format));
    } else if constexpr (IsMap<M>::value) {
      type.kind = Kind::kMap;
      type.item.push_back(Type<typename M::mapped_type>(format));
    } else if constexpr (HasValueCodec<M>) {
      type.kind = Kind::kSpecial;
      type.name = ValueCodec<M>::kDescription;
      type.schema_types.assign(std::begin(ValueCodec<M>::kSchemaTypes),
                               std::end(ValueCodec<M>::kSchemaTypes));
      type.pattern = ValueCodec<M>::kPattern;
    } else if constexpr (HasSchema<M>) {
      type.kind = Kind::kObject;
      type.name = Schema<M>::kName;
      AddObject<M>();
    } else if constexpr (HasEnumNames<M>) {
      type.kind = Kind::kEnum;
      for (const auto& [value, name] : EnumNames<M>::kNames) type.values.push_back(name);
    } else if constexpr (std::is_same_v<M, bool>) {
      type.kind = Kind::kBoolean;
    } else if constexpr (std::is_unsigned_v<M>) {
      type.kind = Kind::kInteger;
      type.maximum = std::numeric_limits<M>::max();
    } else {
      type.kind = Kind::kString;
      type.format = format;
    }
    return type;
  }

  std::vector<std::string_view> names_;
  std::vector<ObjectDescription> objects_;
};

}  // namespace

std::vector<ObjectDescription> DescribeHostConfiguration() {
  Describer describer;
  describer.AddObject<HostConfiguration>();
  return describer.Take();
}

}  // namespace trident
