#include "agent/imaging/hash_manifest.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

const std::string kA(64, 'a');
const std::string kB(64, 'b');

TEST_CASE("A hash is found in a list as sha256sum writes it") {
  struct Case {
    const char* name;
    std::string text;
  };
  const std::vector<Case> cases = {
      {"text mode", kA + "  root.raw\n"},
      {"binary mode", kA + " *root.raw\n"},
      {"without a last line break", kA + "  root.raw"},
      {"in capitals", std::string(64, 'A') + "  root.raw\n"},
      {"with the folder that find gives", kA + "  ./root.raw\n"},
      {"among others", kB + "  esp.raw\n\n" + kA + "  root.raw\n" + kB + "  root.raw.sig\n"},
      {"listed twice alike", kA + "  root.raw\n" + kA + " *root.raw\n"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto hash = FindInHashManifest(c.text, "root.raw");
    REQUIRE_OK(hash);
    CHECK(*hash == kA);
  }
  CHECK(*FindInHashManifest("\\" + kA + "  a\\\\b\\nc\n", "a\\b\nc") == kA);
  CHECK(*FindInHashManifest(kA + "  two  blanks\n", "two  blanks") == kA);
}

TEST_CASE("A list that does not say one hash is refused with the reason") {
  struct Case {
    const char* name;
    std::string text;
    absl::StatusCode code;
    const char* subkind;
    const char* words;
  };
  const auto kNotFound = absl::StatusCode::kNotFound;
  const auto kInvalid = absl::StatusCode::kInvalidArgument;
  const std::vector<Case> cases = {
      {"an empty list", "", kNotFound, "hash-not-listed", "'root.raw' is not listed"},
      {"another name", kA + "  root.raw.zst\n", kNotFound, "hash-not-listed", "not listed"},
      {"in a folder", kA + "  other/root.raw\n", kNotFound, "hash-not-listed", "not listed"},
      {"two different hashes", kA + "  root.raw\n" + kB + "  root.raw\n", kInvalid, "hash-manifest",
       "two different hashes"},
      {"a web page", "<html>\n</html>\n", kInvalid, "hash-manifest", "line 1"},
      {"a hash that is too short", kA + "  esp.raw\n" + kA.substr(1) + "  root.raw\n", kInvalid,
       "hash-manifest", "line 2"},
      {"a hash of another kind", kA + kA + "  root.raw\n", kInvalid, "hash-manifest", "line 1"},
      {"one blank", kA + " root.raw\n", kInvalid, "hash-manifest", "line 1"},
      {"no name", kA + "  \n", kInvalid, "hash-manifest", "line 1"},
      {"a letter that is no digit", "g" + kA.substr(1) + "  root.raw\n", kInvalid, "hash-manifest",
       "line 1"},
      {"a wrong escape", "\\" + kA + "  root\\x\n", kInvalid, "hash-manifest", "line 1"},
      {"the format of BSD", "SHA256 (root.raw) = " + kA + "\n", kInvalid, "hash-manifest",
       "sha256sum"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto hash = FindInHashManifest(c.text, "root.raw");
    REQUIRE_ERROR(hash, c.code, c.words);
    CHECK(GetErrorDetail(hash.status()).subkind == c.subkind);
  }
}

TEST_CASE("The list is in the folder of the image") {
  struct Case {
    const char* url;
    const char* name;  // empty: there is none
    const char* list;
  };
  const std::vector<Case> cases = {
      {"http://host/images/root.raw.zst", "root.raw.zst", "http://host/images/SHA256SUMS"},
      {"https://me:secret@host/root%20v1", "root v1", "https://me:secret@host/SHA256SUMS"},
      {"http://host/a/root?token=/x/y#z", "root", "http://host/a/SHA256SUMS"},
      {"file:///images/root%25.raw", "root%.raw", "file:///images/SHA256SUMS"},
      {"http://host/images/", "", "http://host/images/SHA256SUMS"},
      {"http://host", "", "http://host/SHA256SUMS"},
      {"http://host?a/b", "", "http://host/SHA256SUMS"},
  };
  for (const Case& c : cases) {
    INFO(c.url);
    const auto url = ParseImageUrl(c.url);
    REQUIRE_OK(url);
    const auto list = SiblingOf(*url, kHashManifestName);
    REQUIRE_OK(list);
    CHECK(list->text == c.list);
    const auto name = FileNameOf(*url);
    if (*c.name == '\0') {
      REQUIRE_ERROR(name, absl::StatusCode::kInvalidArgument, "file's name");
    } else {
      REQUIRE_OK(name);
      CHECK(*name == c.name);
    }
  }
}

}  // namespace
}  // namespace trident::test
