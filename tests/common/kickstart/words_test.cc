// The small grammars: words, lists of key=value, hiding of secrets.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/kickstart/arguments.h"
#include "common/kickstart/key_values.h"
#include "common/kickstart/problem.h"
#include "common/kickstart/shell_words.h"
#include "tests/support/status_matchers.h"

namespace trident::kickstart {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("lines are split as a shell does it") {
  struct Case {
    const char* text;
    std::optional<Words> words;  // nothing: something is left open
  };
  const Case cases[] = {
      {"", Words{}},
      {" \t ", Words{}},
      {"a b\tc", Words{"a", "b", "c"}},
      {"'a b' \"c d\"", Words{"a b", "c d"}},
      {"a'b'\"c\"d", Words{"abcd"}},
      {"''", Words{""}},
      {"a\\ b \\'", Words{"a b", "'"}},
      {R"("a\"b" "\\" "\n")", Words{"a\"b", "\\", "\\n"}},
      {R"('a\b')", Words{"a\\b"}},
      {"a # b", Words{"a"}},
      {"a#b", Words{"a#b"}},
      {"'#' \\#", Words{"#", "#"}},
      {"# it's fine", Words{}},
      {"'a", std::nullopt},
      {"\"a", std::nullopt},
      {"\"a\\\"", std::nullopt},
      {"a\\", std::nullopt},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(SplitShellWords(c.text) == c.words);
  }
  CHECK(FirstWord("  %pre --log=x") == "%pre");
  CHECK(FirstWord("\t") == "");
}

TEST_CASE("lists of key=value are taken apart") {
  struct Case {
    const char* text;
    char divider;
    KeyValues pairs;
  };
  const Case good[] = {
      {"", ',', {}},
      {",,,", ',', {}},
      {"a=1", ',', {{"a", "1"}}},
      {"a=1,b=2,c=3", ',', {{"a", "1"}, {"b", "2"}, {"c", "3"}}},
      {" a=1 , b=2 ,", ',', {{"a", "1"}, {"b", "2"}}},
      {"a=", ',', {{"a", ""}}},
      {"a=b=c", ',', {{"a", "b=c"}}},
      {"a=1,2;b=3", ';', {{"a", "1,2"}, {"b", "3"}}},
  };
  for (const Case& c : good) {
    INFO(c.text);
    const auto pairs = ParseKeyValues(c.text, c.divider);
    REQUIRE_OK(pairs);
    CHECK(*pairs == c.pairs);
  }
  for (const char* text : {"a", "a=1,b", "=1", "a=1,a=2"}) {
    INFO(text);
    CHECK(absl::IsInvalidArgument(ParseKeyValues(text, ',').status()));
  }
}

TEST_CASE("what divides the options of a bond is found out from them") {
  struct Case {
    const char* text;
    char divider;
  };
  const Case cases[] = {
      {"", ';'},  // nothing to divide
      {"a=1", ','},
      {"a=1,", ','},
      {"a=1;", ';'},
      {"a=1,b=2", ','},
      {"a=1,b=2,", ','},
      {"a=1,b=2,c=3", ','},
      {"a=1,b=2,c=3,", ','},
      {"a=1;b=2", ';'},
      {"a=1;b=2;", ';'},
      {"a=1;b=2,3", ';'},
      {"a=1,2;b=3", ';'},
      {"a=1,2", ';'},
      {"a=1,2,", ';'},
      {"a=1,2,3", ';'},
      {"a=1,2,b=3", ';'},
      {"a=1,b=2,3", ';'},
      {"a=1,,b=2", ';'},
      {",a=1", ';'},
      {"a=1,b", ';'},
      {"a,b", ';'},
      {"a", ';'},
      {"mode=802.3ad,miimon=100,lacp_rate=fast", ','},
      {"mode=active-backup;arp_ip_target=192.0.2.1,192.0.2.2", ';'},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(BondDividerOf(c.text) == c.divider);
  }
}

TEST_CASE("numbers are decimal digits within their bound") {
  CHECK(ParseNumber("0", 0) == 0);
  CHECK(ParseNumber("007", 7) == 7);
  CHECK(ParseNumber("18446744073709551615", UINT64_MAX) == UINT64_MAX);
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "8", "18446744073709551616"}) {
    INFO(text);
    CHECK(ParseNumber(text, 7) == std::nullopt);
  }
}

TEST_CASE("what is or could be a password is not shown") {
  struct Case {
    const char* line;
    const char* masked;
  };
  const Case cases[] = {
      {"part / --size=1", "part / --size=1"},
      {"rootpw secret", "rootpw ***"},
      {"rootpw --iscrypted '$6$a b'", "rootpw --iscrypted ***"},
      {"rootpw \"secret", "rootpw ***"},
      {"  rootpw   --lock", "  rootpw   --lock"},
      {"user --name=a --password=secret", "user --name=a --password=***"},
      {"user --name a --password secret --groups b", "user --name a --password *** --groups b"},
      {"user --name=a --paswort=secret", "user --name=a --paswort=***"},
      {"user --name=a --pw secret", "user --name=a --pw ***"},
      {"user --name=a secret", "user --name=a ***"},
      {"sshpw --username=a secret", "sshpw --username=a ***"},
      {"autopart --encrypted --passphrase=secret", "autopart --encrypted --passphrase=***"},
      {"part / --passphrase secret --size=1", "part / --passphrase *** --size=1"},
      {"network --essid=net --wpakey=secret", "network --essid=net --wpakey=***"},
      {"part / --passphrase=\"secret", "part ***"},
  };
  for (const Case& c : cases) CHECK(MaskSecrets(c.line) == c.masked);
}

}  // namespace
}  // namespace trident::kickstart
