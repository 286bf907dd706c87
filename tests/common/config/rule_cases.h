// Documents that are valid but for one thing, and what the validation has to find.
#ifndef TRIDENT_TESTS_COMMON_CONFIG_RULE_CASES_H_
#define TRIDENT_TESTS_COMMON_CONFIG_RULE_CASES_H_

#include <string>
#include <utility>
#include <vector>

namespace trident::test {

using Changes = std::vector<std::pair<std::string, std::string>>;

struct RuleCase {
  const char* name;
  Changes changes;  // of the document: first occurrence replaced
  std::vector<std::pair<const char*, const char*>> findings;  // path and reason, in order
};

// Fails the test when what is to be replaced is not there.
std::string Changed(std::string text, const Changes& changes);

// Each case finds what it says, nothing else, with a line and a remedy.
void CheckRules(const std::string& document, const std::vector<RuleCase>& cases);

}  // namespace trident::test

#endif  // TRIDENT_TESTS_COMMON_CONFIG_RULE_CASES_H_
