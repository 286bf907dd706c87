// Images from a real registry.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "agent/imaging/oci_manifest.h"
#include "tests/agent/imaging/cutting_proxy.h"
#include "tests/agent/imaging/docker_registry.h"
#include "tests/agent/imaging/stream_fixture.h"
#include "tests/agent/imaging/test_images.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr auto kZstd = ImageFormat::kRawZstd;
constexpr auto kRaw = ImageFormat::kRaw;

std::string IndexOf(const std::string& digest, const std::string& platform) {
  const size_t slash = platform.find('/');
  return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",)"
         R"("manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
         digest + R"(","size":1,"platform":{"os":")" + platform.substr(0, slash) +
         R"(","architecture":")" + platform.substr(slash + 1) + "\"}}]}";
}

TEST_CASE("An image is fetched from a registry by tag, digest, index and title") {
  const std::string content = MakeContent(3 * kMiB, 41);
  const std::string image = Zstd(content);
  const DockerRegistry registry;
  const std::string one = registry.PushImage("os/root", "v1", {{"root.raw.zst", image}});
  registry.PushImage("os/root", "latest", {{"root.raw.zst", image}});
  registry.PushImage("os", "v1", {{"esp.raw", "esp"}, {"root.raw.zst", image}});
  registry.PushManifest("os/root", "any", "application/vnd.oci.image.index.v1+json",
                        IndexOf(one, OwnPlatform()));
  registry.PushManifest("os/root", "other", "application/vnd.oci.image.index.v1+json",
                        IndexOf(one, "linux/pdp11"));
  const std::string base = "oci://" + registry.name() + "/";
  for (const std::string& reference :
       {std::string("os/root:v1"), "os/root@" + one, std::string("os/root"),
        std::string("os/root:any"), std::string("os:v1#root.raw.zst"),
        std::string("os/root:v1#root.raw.zst")}) {
    INFO(reference);
    StreamFixture fixture(8 * kMiB);
    const auto facts = fixture.Probe(base + reference, kZstd);
    REQUIRE_OK(facts);
    CHECK(facts->sha256 == Sha256Hex(image));
    CHECK(facts->fetch_bytes == image.size());
    CHECK(facts->content_bytes == content.size());
    for (const ImageHash& hash : {ImageHash::Ignored(), ImageHash::Of(Sha256Hex(image))}) {
      const auto result = fixture.Stream(base + reference, kZstd, hash);
      REQUIRE_OK(result);
      CHECK(result->sha256 == Sha256Hex(image));
      CHECK(result->hash_compared);
      CHECK((fixture.device.Content(content.size()) == content));
    }
  }
  struct Case {
    const char* reference;
    absl::StatusCode code;
    const char* words;
  };
  const Case refused[] = {
      {"os:v1", absl::StatusCode::kInvalidArgument, "'esp.raw', 'root.raw.zst'"},
      {"os:v1#none", absl::StatusCode::kNotFound, "'esp.raw', 'root.raw.zst'"},
      {"os/root:v2", absl::StatusCode::kNotFound, "404"},
      {"nothing:v1", absl::StatusCode::kNotFound, "404"},
      {"os/root:other", absl::StatusCode::kNotFound, "linux/pdp11"},
  };
  for (const Case& c : refused) {
    INFO(c.reference);
    StreamFixture fixture(8 * kMiB);
    for (const absl::Status& status : {fixture.Probe(base + c.reference, kZstd).status(),
                                       fixture.Stream(base + c.reference, kZstd).status()}) {
      REQUIRE_ERROR(status, c.code, c.words);
      CHECK_THAT(std::string(status.message()), Catch::Matchers::Contains(base + c.reference));
    }
    CHECK(fixture.device.writes == 0);
  }
}

TEST_CASE("A hash in the document must be the digest in the registry") {
  const DockerRegistry registry;
  registry.PushImage("os", "v1", {{"esp.raw", "esp"}});
  const std::string url = "oci://" + registry.name() + "/os:v1";
  StreamFixture fixture(kMiB);
  const std::string expected(64, 'a');
  for (const absl::Status& status : {fixture.Probe(url, kRaw, ImageHash::Of(expected)).status(),
                                     fixture.Stream(url, kRaw, ImageHash::Of(expected)).status()}) {
    REQUIRE_ERROR(status, absl::StatusCode::kDataLoss, expected);
    CHECK_THAT(std::string(status.message()), Catch::Matchers::Contains(Sha256Hex("esp")));
    CHECK(SubkindOf(status) == "hash-mismatch");
  }
  CHECK(fixture.device.writes == 0);
  REQUIRE_ERROR(fixture.Probe(url, kRaw, ImageHash::Manifest()), absl::StatusCode::kInvalidArgument,
                "no file SHA256SUMS");
}

TEST_CASE("A transfer from a registry over a line that breaks is resumed") {
  const std::string image = MakeContent(6 * kMiB, 42);
  const DockerRegistry registry;
  registry.PushImage("os", "v1", {{"root.raw", image}});
  // The first connection is for the manifest.
  CuttingProxy proxy(registry.port(), {kMiB, 2 * kMiB, 300'000, 100});
  const std::string http = proxy.Url("os:v1");
  StreamFixture fixture(8 * kMiB);
  const auto result = fixture.Stream("oci" + http.substr(http.find(':')), kRaw);
  REQUIRE_OK(result);
  CHECK(proxy.connections() == 5);
  CHECK((fixture.device.Content(image.size()) == image));
}

TEST_CASE("A registry with a password gets it from the file of credentials") {
  const DockerRegistry registry(DockerRegistry::Access::kPassword);
  registry.PushImage("os", "v1", {{"esp.raw", "esp"}});
  const std::string url = "oci://" + registry.name() + "/os:v1";
  StreamFixture fixture(kMiB);
  REQUIRE_ERROR(fixture.Probe(url, kRaw), absl::StatusCode::kPermissionDenied,
                "asks for a user name and a password");

  fixture.options.registry_credentials = fixture.directory / "credentials.json";
  struct Case {
    const char* name;
    const char* auth;
    const char* words;  // empty: works
  };
  const Case cases[] = {
      {"the right one", "bWU6c2VjcmV0", ""},
      {"a wrong one", "bWU6d3Jvbmc=", "does not accept"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    WriteFile(fixture.options.registry_credentials,
              "{\"auths\": {\"" + registry.name() + "\": {\"auth\": \"" + c.auth + "\"}}}");
    REQUIRE(chmod(fixture.options.registry_credentials.c_str(), 0600) == 0);
    const auto result = fixture.Stream(url, kRaw);
    if (*c.words == '\0') {
      REQUIRE_OK(fixture.Probe(url, kRaw));
      REQUIRE_OK(result);
      CHECK(fixture.device.Content(3) == "esp");
    } else {
      REQUIRE_ERROR(result, absl::StatusCode::kPermissionDenied, c.words);
      CHECK(result.status().ToString().find(c.auth) == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace trident::test
