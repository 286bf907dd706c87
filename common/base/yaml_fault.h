// What is wrong with a text that is no YAML, in words for people who do not know the parser.
// Private to common/base.
#ifndef TRIDENT_COMMON_BASE_YAML_FAULT_H_
#define TRIDENT_COMMON_BASE_YAML_FAULT_H_

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trident {

// A bracket that was opened and not yet closed.
struct OpenBracket {
  bool is_list = false;
  uint32_t line = 0;
  uint32_t column = 0;
};

// Takes all that a text holds and keeps nothing.
class YamlIgnorer : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// What the parser is given: at the end of the text yaml-cpp takes a quoted string for closed when a
// line break comes before; at the end of a document it does not.
std::string EndYamlDocument(std::string_view text);

// 1-based; 0 when the parser knows no place.
uint32_t LineOf(const YAML::Mark& mark);
uint32_t ColumnOf(const YAML::Mark& mark);

Finding FindingAtOffset(std::string_view text, size_t offset, std::string reason,
                        std::string remedy);

// What the parser threw when it read `text`. `bracket`: the innermost one that it was in.
Finding DescribeYamlFault(std::string_view text, const YAML::Exception& error,
                          const std::optional<OpenBracket>& bracket);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_YAML_FAULT_H_
