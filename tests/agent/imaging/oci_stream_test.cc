// Registries, token servers and blob stores that behave, misbehave and break.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "agent/imaging/oci_manifest.h"
#include "tests/agent/imaging/stream_fixture.h"
#include "tests/agent/imaging/test_images.h"
#include "tests/support/scripted_http_server.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr auto kRaw = ImageFormat::kRaw;
constexpr char kManifestType[] = "application/vnd.oci.image.manifest.v1+json";
constexpr char kMe[] = "bWU6c2VjcmV0";  // me:secret

// Repository "os", tag "v1": an image of one layer.
struct Pushed {
  std::string content = MakeContent(2 * kMiB, 51);
  std::string blob_path = "/v2/os/blobs/sha256:" + Sha256Hex(content);
  std::string manifest = std::string("{\"mediaType\": \"") + kManifestType +
                         "\", \"layers\": [{\"digest\": \"sha256:" + Sha256Hex(content) +
                         "\", \"size\": " + std::to_string(content.size()) + "}]}";

  HttpAnswer Manifest() const { return {.body = manifest}; }
  HttpAnswer Blob(const HttpAsked& asked, const std::string& etag = "") const {
    return Serve(asked, {.content = content, .etag = etag});
  }
  // Without any authentication.
  HttpAnswer Answer(const HttpAsked& asked) const {
    if (asked.path == "/v2/os/manifests/v1") return Manifest();
    if (asked.path == blob_path) return Blob(asked);
    return {.status = 404};
  }
};

std::string OciUrl(const ScriptedHttpServer& server, const std::string& rest = "/os:v1") {
  const std::string url = server.Url(rest);
  return "oci" + url.substr(url.find(':'));
}

HttpAnswer Challenge(const HttpAsked& asked, const std::string& realm_path = "/token") {
  return {.status = 401,
          .headers = {"WWW-Authenticate: Bearer realm=\"http://" + asked.Header("host") +
                      realm_path + "\",service=\"tests\",scope=\"repository:os:pull\""}};
}

HttpAnswer Token(const std::string& token) { return {.body = "{\"token\": \"" + token + "\"}"}; }

void GiveCredentials(StreamFixture& fixture, const ScriptedHttpServer& server) {
  const std::string url = server.Url("");
  fixture.options.registry_credentials = fixture.directory / "credentials.json";
  WriteFile(
      fixture.options.registry_credentials,
      "{\"auths\": {\"" + url.substr(url.rfind('/') + 1) + "\": {\"auth\": \"" + kMe + "\"}}}");
  REQUIRE(chmod(fixture.options.registry_credentials.c_str(), 0600) == 0);
}

TEST_CASE("A broken blob is resumed by range whatever its validators say") {
  const Pushed pushed;
  for (const char* etag : {"", "W/\"weak\"", "\"another one each time\""}) {
    INFO(etag);
    StreamFixture fixture(4 * kMiB);
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
      if (asked.path != pushed.blob_path) return pushed.Answer(asked);
      HttpAnswer answer =
          pushed.Blob(asked, *etag == '"' ? "\"" + std::to_string(index) + "\"" : etag);
      if (index < 4) answer.break_after = 300'000;
      return answer;
    });
    const auto result = fixture.Stream(OciUrl(server), kRaw);
    REQUIRE_OK(result);
    CHECK((fixture.device.Content(pushed.content.size()) == pushed.content));
    const std::vector<HttpAsked> asked = server.Requests();
    REQUIRE(asked.size() == 5);
    CHECK(asked[4].Header("range") == "bytes=900000-");
    CHECK(asked[4].Header("if-range").empty());
  }
}

TEST_CASE("A registry that asks for a token gets one") {
  const Pushed pushed;
  for (const bool with_credentials : {false, true}) {
    INFO("credentials: " << with_credentials);
    StreamFixture fixture(4 * kMiB);
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      if (asked.path.starts_with("/token?")) return Token("abc.def");
      if (asked.Header("authorization") != "Bearer abc.def") return Challenge(asked);
      return pushed.Answer(asked);
    });
    if (with_credentials) GiveCredentials(fixture, server);
    REQUIRE_OK(fixture.Stream(OciUrl(server), kRaw));
    CHECK((fixture.device.Content(pushed.content.size()) == pushed.content));
    const std::vector<HttpAsked> asked = server.Requests();
    REQUIRE(asked.size() == 4);
    CHECK(asked[0].Header("authorization").empty());
    CHECK_THAT(asked[0].Header("accept"), Catch::Matchers::Contains(kManifestType));
    CHECK(asked[1].path == "/token?service=tests&scope=repository%3Aos%3Apull");
    CHECK(asked[1].Header("authorization") ==
          (with_credentials ? std::string("Basic ") + kMe : ""));
    CHECK(asked[2].path == "/v2/os/manifests/v1");
    CHECK(asked[3].Header("authorization") == "Bearer abc.def");
  }
}

TEST_CASE("A token that expires during a transfer is renewed") {
  const Pushed pushed;
  StreamFixture fixture(4 * kMiB);
  int tokens = 0;
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
    if (asked.path.starts_with("/token?")) {
      return HttpAnswer{.body = "{\"access_token\": \"t" + std::to_string(++tokens) + "\"}"};
    }
    if (asked.Header("authorization") != "Bearer t" + std::to_string(tokens)) {
      return Challenge(asked);
    }
    HttpAnswer answer = pushed.Answer(asked);
    if (asked.path == pushed.blob_path && tokens < 4) {
      answer.break_after = 100'000;
      ++tokens;  // the one that was used is worth nothing any more
    }
    return answer;
  });
  REQUIRE_OK(fixture.Stream(OciUrl(server), kRaw));
  CHECK((fixture.device.Content(pushed.content.size()) == pushed.content));
  CHECK(tokens >= 4);
  // Asking for a token is no failed attempt.
  CHECK(fixture.notes.size() == 2);
}

TEST_CASE("A redirect to a blob store does not take the authorization along") {
  const Pushed pushed;
  StreamFixture fixture(4 * kMiB);
  ScriptedHttpServer store([&](const HttpAsked& asked, size_t index) {
    HttpAnswer answer = pushed.Blob(asked);
    if (index == 0) answer.break_after = 500'000;
    return answer;
  });
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t) -> HttpAnswer {
    if (asked.path.starts_with("/token?")) return Token("secret");
    if (asked.Header("authorization") != "Bearer secret") return Challenge(asked);
    if (asked.path == pushed.blob_path) {
      return {.status = 307, .headers = {"Location: " + store.Url("/blob?signature=x")}};
    }
    return pushed.Answer(asked);
  });
  REQUIRE_OK(fixture.Stream(OciUrl(server), kRaw));
  CHECK((fixture.device.Content(pushed.content.size()) == pushed.content));
  REQUIRE(store.Requests().size() == 2);
  for (const HttpAsked& asked : store.Requests()) {
    CHECK(asked.path == "/blob?signature=x");
    CHECK(asked.Header("authorization").empty());
  }
  CHECK(store.Requests()[1].Header("range") == "bytes=500000-");
}

TEST_CASE("A blob store that asks for a password gets none") {
  const Pushed pushed;
  StreamFixture fixture(4 * kMiB);
  ScriptedHttpServer store([&](const HttpAsked& asked, size_t) { return Challenge(asked); });
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t) -> HttpAnswer {
    if (asked.path != pushed.blob_path) return pushed.Answer(asked);
    return {.status = 302, .headers = {"Location: " + store.Url("/blob")}};
  });
  GiveCredentials(fixture, server);
  REQUIRE_ERROR(fixture.Stream(OciUrl(server), kRaw), absl::StatusCode::kPermissionDenied, "401");
  REQUIRE(store.Requests().size() == 1);
  CHECK(store.Requests()[0].Header("authorization").empty());
}

TEST_CASE("A registry that sends something else than its digest is found out") {
  const Pushed pushed;
  StreamFixture fixture(4 * kMiB);
  SECTION("another blob") {
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      if (asked.path != pushed.blob_path) return pushed.Answer(asked);
      return HttpAnswer{.body = Flipped(pushed.content, kMiB)};
    });
    const auto result = fixture.Stream(OciUrl(server), kRaw);
    REQUIRE_ERROR(result, absl::StatusCode::kDataLoss, Sha256Hex(pushed.content));
    CHECK(SubkindOf(result.status()) == "hash-mismatch");
    CHECK(fixture.device.flushes == 0);
  }
  SECTION("another manifest than the one asked for by digest") {
    ScriptedHttpServer server([&](const HttpAsked&, size_t) { return pushed.Manifest(); });
    const std::string digest(64, 'b');
    for (const absl::Status& status :
         {fixture.Probe(OciUrl(server, "/os@sha256:" + digest), kRaw).status(),
          fixture.Stream(OciUrl(server, "/os@sha256:" + digest), kRaw).status()}) {
      REQUIRE_ERROR(status, absl::StatusCode::kDataLoss, "another digest");
      CHECK(SubkindOf(status) == "hash-mismatch");
    }
  }
  SECTION("an index inside an index") {
    const std::string index =
        "{\"mediaType\": \"application/vnd.oci.image.index.v1+json\", \"manifests\": []}";
    const std::string platform = OwnPlatform();
    const std::string outer = index.substr(0, index.size() - 2) +
                              "{\"digest\": \"sha256:" + Sha256Hex(index) +
                              "\", \"size\": 1, \"platform\": {\"os\": \"linux\", "
                              "\"architecture\": \"" +
                              platform.substr(platform.find('/') + 1) + "\"}}]}";
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      return HttpAnswer{.body = asked.path.ends_with("/v1") ? outer : index};
    });
    REQUIRE_ERROR(fixture.Probe(OciUrl(server), kRaw), absl::StatusCode::kDataLoss,
                  "an index inside an index");
  }
  CHECK(fixture.device.flushes == 0);
}

TEST_CASE("What a registry says is limited and its refusals are final") {
  const Pushed pushed;
  struct Case {
    const char* name;
    std::function<HttpAnswer(const HttpAsked&)> answer;
    absl::StatusCode code;
    const char* words;
    size_t requests;
  };
  const std::vector<Case> cases = {
      {"a manifest of more than 4 MiB",
       [](const HttpAsked&) { return HttpAnswer{.body = std::string(4 * kMiB + 1, ' ')}; },
       absl::StatusCode::kResourceExhausted, "4194304", 1},
      {"a token of more than 64 KiB",
       [](const HttpAsked& asked) {
         return asked.path.starts_with("/token") ? Token(std::string(65'536, 'x'))
                                                 : Challenge(asked);
       },
       absl::StatusCode::kUnavailable, "no token within 65536 bytes", 2},
      {"a token with a line break",
       [](const HttpAsked& asked) {
         return asked.path.starts_with("/token") ? Token("a\\r\\nX: y") : Challenge(asked);
       },
       absl::StatusCode::kUnavailable, "no token", 2},
      {"no token in the answer",
       [](const HttpAsked& asked) {
         return asked.path.starts_with("/token") ? HttpAnswer{.body = "<html>"} : Challenge(asked);
       },
       absl::StatusCode::kUnavailable, "no token", 2},
      {"a token server that refuses",
       [](const HttpAsked& asked) {
         return asked.path.starts_with("/token") ? HttpAnswer{.status = 403} : Challenge(asked);
       },
       absl::StatusCode::kPermissionDenied, "no token is given for repository os", 2},
      {"a token that is not taken",
       [](const HttpAsked& asked) {
         return asked.path.starts_with("/token") ? Token("x") : Challenge(asked);
       },
       absl::StatusCode::kPermissionDenied, "401", 3},
      {"a 401 without a challenge", [](const HttpAsked&) { return HttpAnswer{.status = 401}; },
       absl::StatusCode::kPermissionDenied, "no kind of authorization", 1},
      {"an unknown kind of authorization",
       [](const HttpAsked&) {
         return HttpAnswer{.status = 401, .headers = {"WWW-Authenticate: Negotiate"}};
       },
       absl::StatusCode::kPermissionDenied, "negotiate", 1},
      {"a token server without TLS elsewhere",
       [](const HttpAsked&) {
         return HttpAnswer{
             .status = 401,
             .headers = {"WWW-Authenticate: Bearer realm=\"http://auth.example/token\""}};
       },
       absl::StatusCode::kPermissionDenied, "without TLS", 1},
      {"a blob that is not there",
       [&](const HttpAsked& asked) {
         return asked.path == pushed.blob_path ? HttpAnswer{.status = 404} : pushed.Answer(asked);
       },
       absl::StatusCode::kNotFound, "404", 2},
      {"a blob that is not for us",
       [&](const HttpAsked& asked) {
         if (asked.path.starts_with("/token")) return Token("x");
         return asked.path == pushed.blob_path ? Challenge(asked) : pushed.Answer(asked);
       },
       absl::StatusCode::kPermissionDenied, "401", 4},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    for (const bool probe : {true, false}) {
      INFO("probe: " << probe);
      StreamFixture fixture(4 * kMiB);
      ScriptedHttpServer server([&](const HttpAsked& asked, size_t) { return c.answer(asked); });
      const absl::Status status = probe ? fixture.Probe(OciUrl(server), kRaw).status()
                                        : fixture.Stream(OciUrl(server), kRaw).status();
      REQUIRE_ERROR(status, c.code, c.words);
      CHECK(GetErrorDetail(status).kind == "image");
      CHECK(server.Requests().size() == c.requests);
      CHECK(fixture.device.writes == 0);
    }
  }
}

TEST_CASE("A registry that is busy is asked again") {
  const Pushed pushed;
  StreamFixture fixture(4 * kMiB);
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) -> HttpAnswer {
    if (index % 2 == 0) return {.status = 503};
    if (asked.path.starts_with("/token?")) return Token("x");
    return asked.Header("authorization").empty() ? Challenge(asked) : pushed.Answer(asked);
  });
  REQUIRE_OK(fixture.Stream(OciUrl(server), kRaw));
  CHECK((fixture.device.Content(pushed.content.size()) == pushed.content));
}

}  // namespace
}  // namespace trident::test
