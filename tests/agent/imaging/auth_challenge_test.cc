#include "agent/imaging/auth_challenge.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "agent/imaging/image_url.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

TEST_CASE("A challenge is read as servers write it") {
  struct Case {
    const char* name;
    std::vector<std::string> headers;
    std::vector<AuthChallenge> challenges;
  };
  const std::vector<Case> cases = {
      {"none", {}, {}},
      {"an empty one", {""}, {}},
      {"a registry with a token server",
       {"Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope="
        "\"repository:os/root:pull\""},
       {{"bearer",
         {{"realm", "https://auth.example/token"},
          {"service", "registry.example"},
          {"scope", "repository:os/root:pull"}}}}},
      {"blanks everywhere and names in capitals",
       {"BEARER  Realm = \"a\" ,  SERVICE=b"},
       {{"bearer", {{"realm", "a"}, {"service", "b"}}}}},
      {"a scope with commas and an escaped quote",
       {R"(Bearer scope="repository:a:pull,push",realm="x\"y")"},
       {{"bearer", {{"scope", "repository:a:pull,push"}, {"realm", "x\"y"}}}}},
      {"two in one header",
       {"Basic realm=\"x\", Bearer realm=\"y\""},
       {{"basic", {{"realm", "x"}}}, {"bearer", {{"realm", "y"}}}}},
      {"two headers",
       {"Basic realm=\"x\"", "Bearer realm=\"y\""},
       {{"basic", {{"realm", "x"}}}, {"bearer", {{"realm", "y"}}}}},
      {"a scheme alone", {"Negotiate"}, {{"negotiate", {}}}},
      {"a parameter without a scheme", {"=x"}, {}},
      {"a quotation that does not end", {"Bearer realm=\"x"}, {{"bearer", {}}}},
      {"the first of two values counts", {"Basic a=1,a=2"}, {{"basic", {{"a", "1"}}}}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(ParseChallenges(c.headers) == c.challenges);
  }
}

TEST_CASE("The URL of a token names service and scope") {
  struct Case {
    std::map<std::string, std::string> parameters;
    const char* url;  // empty: refused
  };
  const std::vector<Case> cases = {
      {{{"realm", "https://auth.example/token"},
        {"service", "registry & co"},
        {"scope", "repository:a/b:pull"}},
       "https://auth.example/token?service=registry%20%26%20co&scope=repository%3Aa%2Fb%3Apull"},
      {{{"realm", "https://auth.example/token"}},
       "https://auth.example/token?scope=repository%3Aos%3Apull"},
      {{{"realm", "http://auth.example/?x=y"}, {"service", "s"}},
       "http://auth.example/?x=y&service=s&scope=repository%3Aos%3Apull"},
      {{{"service", "s"}}, ""},
      {{{"realm", "token"}}, ""},
      {{{"realm", "file:///etc/passwd"}}, ""},
      {{{"realm", "https:///token"}}, ""},
      {{{"realm", "https://auth.example/#x"}}, ""},
      {{{"realm", "https://auth.example/a b"}}, ""},
  };
  for (const Case& c : cases) {
    const AuthChallenge challenge = {"bearer", c.parameters};
    INFO(challenge.Parameter("realm"));
    const auto url = TokenUrl(challenge, "os");
    if (*c.url == '\0') {
      REQUIRE_ERROR(url, absl::StatusCode::kInvalidArgument, "not an http or https URL");
      continue;
    }
    REQUIRE_OK(url);
    CHECK(*url == c.url);
  }
}

TEST_CASE("Only this host is reached without TLS") {
  struct Case {
    const char* host;
    bool loopback;
  };
  const Case cases[] = {
      {"127.0.0.1", true},       {"127.8.9.10", true}, {"::1", true},
      {"localhost", true},       {"LOCALHOST", true},  {"10.0.0.1", false},
      {"128.0.0.1", false},      {"::", false},        {"127.evil.example", false},
      {"localhost.evil", false}, {"registry", false},  {"", false}};
  for (const Case& c : cases) {
    INFO(c.host);
    CHECK(IsLoopbackHost(c.host) == c.loopback);
  }
}

}  // namespace
}  // namespace trident::test
