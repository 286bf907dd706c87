#include "agent/imaging/registry_credentials.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {
namespace {

constexpr char kMe[] = "bWU6c2VjcmV0";  // me:secret

std::string Auths(const std::string& inside) { return "{\"auths\": {" + inside + "}}"; }
std::string Entry(const std::string& key) {
  return "\"" + key + "\": {\"auth\": \"" + kMe + "\", \"email\": \"x\"}";
}

TEST_CASE("Credentials are those of the registry and of no other") {
  struct Case {
    const char* name;
    std::string json;
    bool found;
  };
  const std::vector<Case> cases = {
      {"the registry itself", Auths(Entry("registry.example:5000")), true},
      {"among others", Auths(Entry("a") + "," + Entry("registry.example:5000")), true},
      {"in capitals", Auths(Entry("Registry.Example:5000")), true},
      {"as a URL", Auths(Entry("https://registry.example:5000")), true},
      {"as a URL of the API", Auths(Entry("https://registry.example:5000/v2/")), true},
      {"without its port", Auths(Entry("registry.example")), false},
      {"another port", Auths(Entry("registry.example:5001")), false},
      {"a part of the registry", Auths(Entry("registry.example:5000/team")), false},
      {"the end of another name", Auths(Entry("evil-registry.example:5000")), false},
      {"nobody", Auths(""), false},
      {"no section at all", "{\"credsStore\": \"x\"}", false},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto found = FindRegistryCredentials(c.json, "registry.example:5000");
    REQUIRE_OK(found);
    CHECK(*found == (c.found ? std::optional<std::string>(kMe) : std::nullopt));
  }
}

TEST_CASE("Credentials that cannot be read are refused without being quoted") {
  struct Case {
    std::string json;
    const char* words;
  };
  const std::vector<Case> cases = {
      {"", "no JSON object"},
      {"[\"topsecret\"]", "no JSON object"},
      {"{\"auths\": \"topsecret\"", "no JSON object"},
      {"{\"auths\": \"topsecret\"}", "\"auths\" is no JSON object"},
      {Auths("\"r\": \"topsecret\""), "no \"auth\""},
      {Auths("\"r\": {}"), "no \"auth\""},
      {Auths("\"r\": {\"auth\": 1}"), "no \"auth\""},
      {Auths("\"r\": {\"auth\": \"topsecret!\"}"), "not the base64"},
      {Auths("\"r\": {\"auth\": \"dG9wc2VjcmV0\"}"), "not the base64 of user:password"},
      {std::string(100'000, '['), "no JSON object"},
  };
  for (const Case& c : cases) {
    INFO(c.json.substr(0, 100));
    const auto found = FindRegistryCredentials(c.json, "r");
    REQUIRE_ERROR(found, absl::StatusCode::kInvalidArgument, c.words);
    CHECK(found.status().ToString().find("topsecret") == std::string::npos);
  }
}

TEST_CASE("A file of credentials is read only when it is private") {
  const TemporaryDirectory directory;
  const std::string path = directory / "config.json";
  WriteFile(path, Auths(Entry("r")));
  const std::unique_ptr<Files> files = MakeLinuxFiles();
  struct Case {
    mode_t mode;
    bool taken;
  };
  for (const Case& c : {Case{0600, true}, Case{0400, true}, Case{0640, false}, Case{0604, false}}) {
    INFO("mode " << std::oct << c.mode);
    REQUIRE(chmod(path.c_str(), c.mode) == 0);
    const auto found = ReadRegistryCredentials(*files, path, "r");
    if (c.taken) {
      REQUIRE_OK(found);
      CHECK(*found == kMe);
    } else {
      REQUIRE_ERROR(found, absl::StatusCode::kPermissionDenied, path);
    }
  }
  REQUIRE_ERROR(ReadRegistryCredentials(*files, directory / "none", "r"),
                absl::StatusCode::kNotFound, "none");
  REQUIRE_ERROR(ReadRegistryCredentials(*files, directory.path(), "r"),
                absl::StatusCode::kPermissionDenied, "no regular file");
  const auto unset = ReadRegistryCredentials(*files, "", "r");
  REQUIRE_OK(unset);
  CHECK_FALSE(unset->has_value());
}

}  // namespace
}  // namespace trident::test
