#include "tests/common/config/rule_cases.h"

#include <catch2/catch.hpp>

#include "common/base/strings.h"
#include "common/config/document.h"

namespace trident::test {

std::string Changed(std::string text, const Changes& changes) {
  for (const auto& [from, to] : changes) {
    const size_t found = text.find(from);
    INFO(from);
    REQUIRE(found != std::string::npos);
    text.replace(found, from.size(), to);
  }
  return text;
}

void CheckRules(const std::string& document, const std::vector<RuleCase>& cases) {
  for (const RuleCase& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto parsed = ParseHostConfiguration(Changed(document, c.changes));
      const auto findings = GetErrorDetail(parsed.status()).findings;
      std::string shown;
      for (const Finding& finding : findings) {
        StrAppend(&shown, finding.line, " ", finding.path, ": ", finding.reason, "\n");
      }
      INFO(shown);
      REQUIRE(findings.size() == c.findings.size());
      for (size_t i = 0; i < findings.size(); ++i) {
        CHECK(findings[i].path == c.findings[i].first);
        CHECK(findings[i].reason.find(c.findings[i].second) != std::string::npos);
        CHECK(findings[i].line > 0);
        CHECK_FALSE(findings[i].remedy.empty());
      }
    }
  }
}

}  // namespace trident::test
