#include "agent/imaging/image_probe.h"

#include <catch2/catch.hpp>
#include <vector>

#include "agent/imaging/http_client.h"
#include "tests/agent/imaging/stream_fixture.h"
#include "tests/agent/imaging/test_images.h"
#include "tests/support/scripted_http_server.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr auto kZstd = ImageFormat::kRawZstd;
constexpr auto kXz = ImageFormat::kRawLzma;
constexpr auto kGzip = ImageFormat::kRawGzip;
constexpr auto kRaw = ImageFormat::kRaw;

absl::StatusOr<ImageFacts> Probe(const std::string& url, ImageFormat format) {
  return StreamFixture(0).Probe(url, format);
}

TEST_CASE("A probe tells size, content and window of an image") {
  const std::string content = MakeContent(3 * kMiB, 21);
  struct Case {
    const char* name;
    ImageFormat format;
    std::string image;
    std::optional<uint64_t> content_bytes;  // with ranges, and from a file
    std::optional<uint64_t> without_ranges;
    uint64_t window;
  };
  const std::vector<Case> cases = {
      {"zstd with its size", kZstd, Zstd(content), content.size(), content.size(), 512 * 1024},
      {"zstd without its size", kZstd, Zstd(content, {.window_log = 22, .content_size = false}),
       std::nullopt, std::nullopt, 4 * kMiB},
      {"zstd behind a skippable frame", kZstd, ZstdSkippable(100) + Zstd(content), content.size(),
       content.size(), 512 * 1024},
      {"xz, several blocks", kXz, Xz(content, {.preset = 6, .block_bytes = kMiB}), content.size(),
       std::nullopt, 8 * kMiB},
      {"xz, one block", kXz, Xz(content), content.size(), std::nullopt, kMiB},
      {"xz with padding", kXz, Xz(content) + std::string(16, '\0'), content.size(), std::nullopt,
       kMiB},
      {"xz, several streams", kXz, Xz(content) + Xz(content), std::nullopt, std::nullopt, kMiB},
      {"gzip", kGzip, Gzip(content), std::nullopt, std::nullopt, 32 * 1024},
      {"raw", kRaw, content, content.size(), content.size(), 0},
      {"a small xz file that the head holds whole", kXz, Xz("small"), 5, 5, kMiB},
  };
  for (const Case& c : cases) {
    {
      INFO(c.name);
      const StreamFixture fixture(0);
      const auto file = Probe(fixture.File(c.image), c.format);
      REQUIRE_OK(file);
      CHECK(file->fetch_bytes == c.image.size());
      CHECK(file->content_bytes == c.content_bytes);
      CHECK(file->decoder_window_bytes == c.window);
      CHECK_THAT(file->validator, Catch::Matchers::StartsWith("mtime "));

      for (const bool ranges : {true, false}) {
        ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
          return Serve(asked, {.content = c.image, .etag = "\"v1\"", .ranges = ranges});
        });
        const auto http = Probe(server.Url(), c.format);
        REQUIRE_OK(http);
        CHECK(http->fetch_bytes == c.image.size());
        CHECK(http->content_bytes == (ranges ? c.content_bytes : c.without_ranges));
        CHECK(http->decoder_window_bytes == c.window);
        CHECK(http->validator == "\"v1\"");
        CHECK(server.Requests().size() <= 2);
      }
    }
  }
}

TEST_CASE("A probe refuses what a stream would refuse") {
  const std::string content = MakeContent(kMiB, 22);
  struct Case {
    const char* name;
    ImageFormat format;
    std::string image;
    const char* subkind;
  };
  const std::vector<Case> cases = {
      {"an empty file", kZstd, "", "truncated"},
      {"an empty xz file", kXz, "", "truncated"},
      {"an empty gzip file", kGzip, "", "truncated"},
      {"an empty raw file", kRaw, "", "truncated"},
      {"zstd called raw", kRaw, Zstd(content), "wrong-format"},
      {"raw called gzip", kGzip, content, "wrong-format"},
      {"the wrong format", kZstd, Xz(content), "wrong-format"},
      {"a window of 256 MiB", kZstd, Zstd(content, {.window_log = 28, .content_size = false}),
       "window-too-large"},
      {"a dictionary of 192 MiB", kXz, Xz(content, {.dictionary_code = 31}), "window-too-large"},
      {"a damaged xz header", kXz, Flipped(Xz(content), 8), "corrupt-image"},
  };
  for (const Case& c : cases) {
    {
      INFO(c.name);
      const StreamFixture fixture(0);
      ScriptedHttpServer server(
          [&](const HttpAsked& asked, size_t) { return Serve(asked, {.content = c.image}); });
      for (const std::string& url : {fixture.File(c.image), server.Url()}) {
        const auto facts = Probe(url, c.format);
        REQUIRE_FALSE(facts.ok());
        CHECK(SubkindOf(facts.status()) == c.subkind);
        CHECK_THAT(std::string(facts.status().message()), Catch::Matchers::Contains(url));
      }
    }
  }
}

TEST_CASE("A probe says what the server said") {
  struct Case {
    int status;
    absl::StatusCode code;
    size_t requests;
  };
  const std::vector<Case> cases = {{404, absl::StatusCode::kNotFound, 1},
                                   {403, absl::StatusCode::kPermissionDenied, 1},
                                   {503, absl::StatusCode::kUnavailable, 3}};
  for (const Case& c : cases) {
    {
      INFO("HTTP " << c.status);
      ScriptedHttpServer server([&](const HttpAsked&, size_t) {
        return HttpAnswer{.status = c.status, .body = "an error page"};
      });
      REQUIRE_ERROR(Probe(server.Url(), kZstd), c.code, std::to_string(c.status));
      CHECK(server.Requests().size() == c.requests);
    }
  }
}

TEST_CASE("A probe of an unreachable server or of a missing file says so") {
  uint16_t port = 0;
  { const Socket closed_again = Listen(&port); }
  REQUIRE_ERROR(Probe("http://127.0.0.1:" + std::to_string(port) + "/image", kZstd),
                absl::StatusCode::kUnavailable, "image");
  REQUIRE_ERROR(Probe("file:///nowhere/image", kZstd), absl::StatusCode::kNotFound, "nowhere");
}

TEST_CASE("A probe can be cancelled") {
  StreamFixture fixture(0);
  ScriptedHttpServer server([&](const HttpAsked&, size_t) {
    fixture.cancellation.Cancel();
    return HttpAnswer{.body = "x", .break_after = 0, .stall = true};
  });
  REQUIRE_ERROR(fixture.Probe(server.Url(), kZstd), absl::StatusCode::kCancelled, "cancelled");
}

TEST_CASE("Content-Range is read strictly") {
  struct Case {
    const char* text;
    std::optional<ContentRange> range;
  };
  const std::vector<Case> cases = {
      {"bytes 0-9/100", ContentRange{0, 9, 100}},
      {"bytes 5-5/*", ContentRange{5, 5, std::nullopt}},
      {"bytes */100", std::nullopt},
      {"bytes 9-0/100", std::nullopt},
      {"bytes 0-100/100", std::nullopt},
      {"items 0-9/100", std::nullopt},
      {"bytes 0-9", std::nullopt},
      {"bytes -9/100", std::nullopt},
      {"bytes 0-18446744073709551616/*", std::nullopt},
      {"", std::nullopt},
  };
  for (const Case& c : cases) {
    {
      INFO("'" << c.text << "'");
      CHECK(ParseContentRange(c.text) == c.range);
    }
  }
}

}  // namespace
}  // namespace trident::test
