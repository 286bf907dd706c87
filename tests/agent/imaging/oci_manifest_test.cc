#include "agent/imaging/oci_manifest.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');
constexpr char kImage[] = "application/vnd.oci.image.manifest.v1+json";
constexpr char kIndex[] = "application/vnd.oci.image.index.v1+json";
constexpr char kDockerImage[] = "application/vnd.docker.distribution.manifest.v2+json";
constexpr char kDockerList[] = "application/vnd.docker.distribution.manifest.list.v2+json";

std::string Layer(const std::string& title, const std::string& digest = kDigest) {
  return "{\"mediaType\": \"x\", \"digest\": \"" + digest + "\", \"size\": 7" +
         (title.empty()
              ? ""
              : ", \"annotations\": {\"org.opencontainers.image.title\": \"" + title + "\"}") +
         "}";
}
std::string Manifest(const std::string& layers) {
  return std::string("{\"schemaVersion\": 2, \"mediaType\": \"") + kImage +
         "\", \"config\": {}, \"layers\": [" + layers + "]}";
}

TEST_CASE("Manifests of every known kind are read") {
  struct Case {
    const char* name;
    std::string json;
    std::string content_type;
    bool is_index;
  };
  const std::string list =
      "\"manifests\": [{\"digest\": \"" + kDigest +
      "\", \"size\": 7, \"platform\": {\"os\": \"linux\", \"architecture\": \"amd64\"}}]";
  const std::string layers = "\"layers\": [" + Layer("root.raw") + "]";
  const std::vector<Case> cases = {
      {"an OCI image", "{\"mediaType\": \"" + std::string(kImage) + "\", " + layers + "}", "",
       false},
      {"an OCI image that does not say so", "{" + layers + "}", kImage, false},
      {"with a parameter in its type", "{" + layers + "}", std::string(kImage) + "; charset=utf-8",
       false},
      {"a Docker image", "{" + layers + "}", kDockerImage, false},
      {"an OCI index", "{" + list + "}", kIndex, true},
      {"a Docker list", "{" + list + "}", kDockerList, true},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto manifest = ParseOciManifest(c.json, c.content_type);
    REQUIRE_OK(manifest);
    CHECK(manifest->is_index == c.is_index);
    REQUIRE(manifest->entries.size() == 1);
    const OciDescriptor expected = {.digest = kDigest,
                                    .size = 7,
                                    .title = c.is_index ? "" : "root.raw",
                                    .platform = c.is_index ? "linux/amd64" : ""};
    CHECK(manifest->entries[0] == expected);
  }
}

TEST_CASE("What is no manifest of an image is refused with the reason") {
  struct Case {
    const char* name;
    std::string json;
    std::string content_type;
    const char* words;
  };
  const std::vector<Case> cases = {
      {"nothing", "", kImage, "no JSON object"},
      {"a web page", "<html></html>", "text/html", "no JSON object"},
      {"half of one", Manifest(Layer("a")).substr(0, 50), kImage, "no JSON object"},
      {"a list", "[]", kImage, "no JSON object"},
      {"deep nesting", std::string(1 << 20, '['), kImage, "no JSON object"},
      {"Docker's schema 1", "{\"schemaVersion\": 1}",
       "application/vnd.docker.distribution.manifest.v1+prettyjws", "v1+prettyjws"},
      {"no type at all", "{\"layers\": []}", "", "media type ''"},
      {"an image and an index at once",
       "{\"mediaType\": \"" + std::string(kImage) + "\", \"layers\": [], \"manifests\": []}", "",
       "at once"},
      {"no layers", "{}", kImage, "no list of layers"},
      {"layers that are none", "{\"layers\": {}}", kImage, "no list of layers"},
      {"no manifests", "{}", kIndex, "no list of manifests"},
      {"a layer that is a text", Manifest("\"x\""), "", "no digest or no size"},
      {"a layer without a digest", Manifest("{\"size\": 1}"), "", "no digest or no size"},
      {"a layer of a negative size", Manifest("{\"digest\": \"" + kDigest + "\", \"size\": -1}"),
       "", "no digest or no size"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    REQUIRE_ERROR(ParseOciManifest(c.json, c.content_type), absl::StatusCode::kDataLoss, c.words);
  }
}

TEST_CASE("A layer is chosen by its title, or because it is the only one") {
  const std::string other = "sha256:" + std::string(64, 'b');
  struct Case {
    const char* name;
    std::string layers;
    std::string title;
    std::string digest;  // empty: refused
    const char* words;
  };
  const std::vector<Case> cases = {
      {"the only one", Layer(""), "", kDigest, ""},
      {"the only one by its title", Layer("root.raw"), "root.raw", kDigest, ""},
      {"one of two", Layer("esp.raw") + "," + Layer("root.raw", other), "root.raw", other, ""},
      {"none of two is named", Layer("esp.raw") + "," + Layer(""), "", "",
       "'esp.raw', (one without title)"},
      {"a title that is not there", Layer("esp.raw") + "," + Layer("root.raw"), "data.raw", "",
       "'data.raw'; the titles are: 'esp.raw', 'root.raw'"},
      {"a title that is there twice", Layer("a") + "," + Layer("a", other), "a", "",
       "more than one layer"},
      {"no layers", "", "", "", "no layers"},
      {"no layers, a title", "", "a", "", "no layers"},
      {"a digest of another kind", Layer("", "sha512:abc"), "", "", "not a sha256 digest"},
      {"a digest that leads elsewhere", Layer("", "../../x"), "", "", "not a sha256 digest"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto manifest = ParseOciManifest(Manifest(c.layers), "");
    REQUIRE_OK(manifest);
    const auto layer = ChooseLayer(*manifest, c.title);
    if (c.digest.empty()) {
      REQUIRE_FALSE(layer.ok());
      CHECK_THAT(std::string(layer.status().message()), Catch::Matchers::Contains(c.words));
      continue;
    }
    REQUIRE_OK(layer);
    CHECK(layer->digest == c.digest);
  }
}

TEST_CASE("An index gives the first image for the platform") {
  OciManifest index;
  index.is_index = true;
  index.entries = {{.digest = "sha256:x", .size = 1, .title = "", .platform = "unknown/unknown"},
                   {.digest = kDigest, .size = 1, .title = "", .platform = "linux/riscv64"},
                   {.digest = "sha256:y", .size = 1, .title = "", .platform = "linux/riscv64"},
                   {.digest = "sha256:z", .size = 1, .title = "", .platform = ""}};
  const auto chosen = ChoosePlatform(index, "linux/riscv64");
  REQUIRE_OK(chosen);
  CHECK(chosen->digest == kDigest);
  REQUIRE_ERROR(ChoosePlatform(index, "linux/s390x"), absl::StatusCode::kNotFound,
                "linux/s390x; it has: unknown/unknown, linux/riscv64");
  REQUIRE_ERROR(ChoosePlatform(index, "unknown/unknown"), absl::StatusCode::kDataLoss, "sha256:x");
  REQUIRE_ERROR(ChoosePlatform({}, "linux/s390x"), absl::StatusCode::kNotFound, "it has: none");
  CHECK_THAT(OwnPlatform(), Catch::Matchers::StartsWith("linux/"));
}

}  // namespace
}  // namespace trident::test
