#include "common/config/oci_reference.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/status_matchers.h"

namespace trident {
namespace {

const std::string kHex(64, 'a');

TEST_CASE("a reference to a registry names registry, repository, version and title") {
  struct Case {
    std::string url;
    OciReference reference;
  };
  const Case cases[] = {
      {"oci://registry.example/os",
       {.registry = "registry.example",
        .host = "registry.example",
        .repository = "os",
        .tag = "latest",
        .digest = "",
        .title = ""}},
      {"OCI://registry.example:5000/team/os-images/root:v1.2",
       {.registry = "registry.example:5000",
        .host = "registry.example",
        .repository = "team/os-images/root",
        .tag = "v1.2",
        .digest = "",
        .title = ""}},
      {"oci://[::1]:5000/a__b/c.d/e--f@sha256:" + kHex,
       {.registry = "[::1]:5000",
        .host = "::1",
        .repository = "a__b/c.d/e--f",
        .tag = "",
        .digest = "sha256:" + kHex,
        .title = ""}},
      {"oci://localhost/os:1#root%20fs.raw.zst",
       {.registry = "localhost",
        .host = "localhost",
        .repository = "os",
        .tag = "1",
        .digest = "",
        .title = "root fs.raw.zst"}},
      {"oci://r/os@sha256:" + kHex + "#root",
       {.registry = "r",
        .host = "r",
        .repository = "os",
        .tag = "",
        .digest = "sha256:" + kHex,
        .title = "root"}},
  };
  for (const Case& c : cases) {
    INFO(c.url);
    const auto parsed = ParseOciReference(c.url);
    REQUIRE_OK(parsed);
    CHECK(*parsed == c.reference);
  }
}

TEST_CASE("what is no reference to a registry is refused with the reason") {
  struct Case {
    std::string url;
    const char* words;
  };
  const Case cases[] = {
      {"http://registry/os", "scheme"},
      {"oci:///os", "no registry"},
      {"oci://registry", "no repository"},
      {"oci://registry/", "no repository"},
      {"oci://registry/:1", "no repository"},
      {"oci://registry:0/os", "port"},
      {"oci://user:secret@registry/os", "registryCredentials"},
      {"oci://registry/OS", "not the name of a repository"},
      {"oci://registry/a//b", "not the name of a repository"},
      {"oci://registry/../os", "not the name of a repository"},
      {"oci://registry/a___b", "not the name of a repository"},
      {"oci://registry/-a", "not the name of a repository"},
      {"oci://registry/a%2fb", "not the name of a repository"},
      {"oci://registry/" + std::string(256, 'a'), "at most 255"},
      {"oci://registry/os:", "tag"},
      {"oci://registry/os:-1", "tag"},
      {"oci://registry/os:" + std::string(129, 'a'), "tag"},
      {"oci://registry/os:1:2", "tag"},
      {"oci://registry/os@sha256:abc", "digest"},
      {"oci://registry/os@sha256:" + std::string(64, 'A'), "digest"},
      {"oci://registry/os@sha512:" + kHex + kHex, "digest"},
      {"oci://registry/os:1@sha256:" + kHex, "both a tag and a digest"},
      {"oci://registry/os:1?x=y", "query"},
      {"oci://registry/os:1#", "nothing follows"},
      {"oci://registry/os:1#a%00b", "NUL"},
  };
  for (const Case& c : cases) {
    INFO(c.url);
    REQUIRE_ERROR(ParseOciReference(c.url), absl::StatusCode::kInvalidArgument, c.words);
  }
}

}  // namespace
}  // namespace trident
