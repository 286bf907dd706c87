// Streams from web servers that behave, misbehave and break.
#include <catch2/catch.hpp>
#include <random>
#include <utility>
#include <vector>

#include "tests/agent/imaging/stream_fixture.h"
#include "tests/agent/imaging/test_images.h"
#include "tests/support/scripted_http_server.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr auto kZstd = ImageFormat::kRawZstd;
constexpr auto kXz = ImageFormat::kRawLzma;
const char* const kOld = "Fri, 01 Nov 2024 10:00:00 GMT";  // a day before Serve's Date

struct Image {
  std::string content = MakeContent(3 * kMiB, 11);
  std::string bytes = Zstd(content);
};

TEST_CASE("An image is fetched over HTTP") {
  const Image image;
  StreamFixture fixture(8 * kMiB);
  ScriptedHttpServer server(
      [&](const HttpAsked& asked, size_t) { return Serve(asked, {.content = image.bytes}); });
  const auto result = fixture.Stream(server.Url(), kZstd, ImageHash::Of(Sha256Hex(image.bytes)));
  REQUIRE_OK(result);
  CHECK((fixture.device.Content(image.content.size()) == image.content));
  REQUIRE(server.Requests().size() == 1);
  CHECK(server.Requests()[0].Header("range").empty());
  CHECK_THAT(server.Requests()[0].Header("user-agent"), Catch::Matchers::StartsWith("trident/"));
}

TEST_CASE("A broken transfer goes on in the way that the server allows") {
  const Image image;
  const size_t half = image.bytes.size() / 2;
  struct Case {
    const char* name;
    ServedFile file;
    bool hash;
    std::string range;     // of the second request
    std::string if_range;  // of the second request
  };
  const std::string from_half = "bytes=" + std::to_string(half) + "-";
  const std::vector<Case> cases = {
      {"strong ETag", {.etag = "\"v1\""}, false, from_half, "\"v1\""},
      {"Last-Modified alone", {.etag = "", .last_modified = kOld}, false, from_half, kOld},
      {"weak ETag with Last-Modified",
       {.etag = "W/\"v1\"", .last_modified = kOld},
       false,
       from_half,
       kOld},
      {"weak ETag alone, hash given", {.etag = "W/\"v1\""}, true, from_half, ""},
      {"no validator, hash given", {.etag = ""}, true, from_half, ""},
      {"no validator, hash ignored: from zero", {.etag = ""}, false, "", ""},
      {"weak ETag alone, hash ignored: from zero", {.etag = "W/\"v1\""}, false, "", ""},
      {"modified in the second of the response: from zero",
       {.etag = "", .last_modified = "Sat, 02 Nov 2024 10:00:00 GMT"},
       false,
       "",
       ""},
      {"server without ranges, strong ETag",
       {.etag = "\"v1\"", .ranges = false},
       false,
       from_half,
       "\"v1\""},
      {"server without ranges, hash given", {.etag = "", .ranges = false}, true, from_half, ""},
      {"server without ranges, no validator, hash ignored",
       {.etag = "", .ranges = false},
       false,
       "",
       ""},
  };
  for (const Case& c : cases) {
    {
      INFO(c.name);
      StreamFixture fixture(8 * kMiB);
      ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
        ServedFile file = c.file;
        file.content = image.bytes;
        HttpAnswer answer = Serve(asked, file);
        if (index == 0) answer.break_after = half;
        return answer;
      });
      const auto result =
          fixture.Stream(server.Url(), kZstd,
                         c.hash ? ImageHash::Of(Sha256Hex(image.bytes)) : ImageHash::Ignored());
      REQUIRE_OK(result);
      CHECK(result->sha256 == Sha256Hex(image.bytes));
      CHECK(result->fetched == image.bytes.size());
      CHECK((fixture.device.Content(image.content.size()) == image.content));
      const auto requests = server.Requests();
      REQUIRE(requests.size() == 2);
      CHECK(requests[1].Header("range") == c.range);
      CHECK(requests[1].Header("if-range") == c.if_range);
    }
  }
}

TEST_CASE("Whatever the break points, the image arrives as it is") {
  const std::string content = MakeContent(2 * kMiB + 77, 12);
  struct Server {
    const char* name;
    ServedFile file;
    bool hash;
  };
  const std::vector<Server> servers = {
      {"ranges and ETag", {}, false},
      {"ranges and nothing else, hash given", {.etag = ""}, true},
      {"no ranges, ETag", {.ranges = false}, false},
      {"nothing, hash ignored", {.etag = "", .ranges = false}, false},
  };
  const std::vector<std::pair<ImageFormat, std::string>> images = {
      {kZstd, Zstd(content)},
      {kXz, Xz(content, {.block_bytes = 512 * 1024})},
      {ImageFormat::kRawGzip, Gzip(content)},
      {ImageFormat::kRaw, content},
  };
  for (const auto& image : images) {
    const ImageFormat format = image.first;
    const std::string& bytes = image.second;
    for (uint32_t seed = 1; seed <= 3; ++seed) {
      for (const Server& kind : servers) {
        {
          INFO(kind.name << ", format " << static_cast<int>(format) << ", seed " << seed);
          std::mt19937 random(seed);
          std::vector<size_t> breaks = {0, 1};
          for (int i = 0; i < 6; ++i) breaks.push_back(random() % bytes.size());
          StreamFixture fixture(4 * kMiB);
          fixture.options.attempts = 20;  // a server without ranges often breaks before the end
          ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
            ServedFile file = kind.file;
            file.content = bytes;
            HttpAnswer answer = Serve(asked, file);
            if (index < breaks.size()) answer.break_after = breaks[index];
            return answer;
          });
          const auto result =
              fixture.Stream(server.Url(), format,
                             kind.hash ? ImageHash::Of(Sha256Hex(bytes)) : ImageHash::Ignored());
          REQUIRE_OK(result);
          CHECK(result->sha256 == Sha256Hex(bytes));
          CHECK(result->written == content.size());
          CHECK((fixture.device.Content(content.size()) == content));
        }
      }
    }
  }
}

TEST_CASE("A file that changes during the transfer is never mixed with its successor") {
  const Image image;
  const std::string other = Zstd(MakeContent(3 * kMiB, 13));
  const size_t half = image.bytes.size() / 2;
  struct Case {
    const char* name;
    ServedFile before;
    ServedFile after;
    bool hash;
    bool ignores_condition;  // answers 206 although If-Range does not hold
  };
  const std::vector<Case> cases = {
      {"another ETag",
       {.content = image.bytes, .etag = "\"v1\""},
       {.content = other, .etag = "\"v2\""},
       false,
       false},
      {"another ETag, hash given",
       {.content = image.bytes, .etag = "\"v1\""},
       {.content = other, .etag = "\"v2\""},
       true,
       false},
      {"another ETag in a 206",
       {.content = image.bytes, .etag = "\"v1\""},
       {.content = other, .etag = "\"v2\""},
       false,
       true},
      {"another size in a 206",
       {.content = image.bytes, .etag = ""},
       {.content = other + "more", .etag = ""},
       true,
       false},
      {"a server without ranges",
       {.content = image.bytes, .etag = "\"v1\"", .ranges = false},
       {.content = other, .etag = "\"v2\"", .ranges = false},
       false,
       false},
      {"a shorter file",
       {.content = image.bytes, .etag = "\"v1\""},
       {.content = image.bytes.substr(0, half / 2), .etag = "\"v2\""},
       false,
       false},
  };
  for (const Case& c : cases) {
    {
      INFO(c.name);
      StreamFixture fixture(8 * kMiB);
      ScriptedHttpServer server([&](HttpAsked asked, size_t index) {
        if (c.ignores_condition) asked.headers.erase("if-range");
        HttpAnswer answer = Serve(asked, index == 0 ? c.before : c.after);
        if (index == 0) answer.break_after = half;
        return answer;
      });
      const auto result =
          fixture.Stream(server.Url(), kZstd,
                         c.hash ? ImageHash::Of(Sha256Hex(image.bytes)) : ImageHash::Ignored());
      REQUIRE_ERROR(result, absl::StatusCode::kAborted, "changed on the server");
      CHECK(SubkindOf(result.status()) == "image-changed");
      CHECK(fixture.device.flushes == 0);
    }
  }
}

TEST_CASE("The same file under another ETag goes on") {
  const Image image;
  StreamFixture fixture(8 * kMiB);
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
    HttpAnswer answer =
        Serve(asked, {.content = image.bytes, .etag = "\"mirror" + std::to_string(index) + "\""});
    if (index == 0) answer.break_after = image.bytes.size() / 2;
    return answer;
  });
  REQUIRE_OK(fixture.Stream(server.Url(), kZstd, ImageHash::Of(Sha256Hex(image.bytes))));
  CHECK((fixture.device.Content(image.content.size()) == image.content));
}

TEST_CASE("A new version is fetched from zero when nothing vouches for the old one") {
  const Image image;
  const std::string content = MakeContent(2 * kMiB, 14);
  const std::string newer = Zstd(content);
  StreamFixture fixture(8 * kMiB);
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
    HttpAnswer answer = Serve(asked, {.content = index == 0 ? image.bytes : newer, .etag = ""});
    if (index == 0) answer.break_after = image.bytes.size() - 10;
    return answer;
  });
  const auto result = fixture.Stream(server.Url(), kZstd);
  REQUIRE_OK(result);
  CHECK(result->sha256 == Sha256Hex(newer));
  CHECK(result->written == content.size());
  CHECK((fixture.device.Content(content.size()) == content));
}

TEST_CASE("Some answers are final and some are tried again") {
  struct Case {
    int status;
    absl::StatusCode code;
    size_t requests;
    const char* subkind;
  };
  const std::vector<Case> cases = {
      {404, absl::StatusCode::kNotFound, 1, "not-found"},
      {410, absl::StatusCode::kNotFound, 1, "not-found"},
      {403, absl::StatusCode::kPermissionDenied, 1, "http-status"},
      {400, absl::StatusCode::kFailedPrecondition, 1, "http-status"},
      {204, absl::StatusCode::kFailedPrecondition, 1, "http-status"},
      {408, absl::StatusCode::kUnavailable, 4, "http-status"},
      {429, absl::StatusCode::kUnavailable, 4, "http-status"},
      {500, absl::StatusCode::kUnavailable, 4, "http-status"},
      {503, absl::StatusCode::kUnavailable, 4, "http-status"},
  };
  for (const Case& c : cases) {
    {
      INFO("HTTP " << c.status);
      StreamFixture fixture(8 * kMiB);
      ScriptedHttpServer server([&](const HttpAsked&, size_t) {
        return HttpAnswer{.status = c.status, .body = c.status == 204 ? "" : "an error page"};
      });
      const auto result = fixture.Stream(server.Url(), kZstd);
      REQUIRE_ERROR(result, c.code, std::to_string(c.status));
      CHECK(SubkindOf(result.status()) == c.subkind);
      CHECK_THAT(std::string(result.status().message()), Catch::Matchers::Contains(server.Url()));
      CHECK(server.Requests().size() == c.requests);
      CHECK(fixture.device.writes == 0);
    }
  }
}

TEST_CASE("A server that recovers is forgiven") {
  const Image image;
  StreamFixture fixture(8 * kMiB);
  std::vector<std::string> notes;
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
    if (index < 3) return HttpAnswer{.status = 500, .body = "later"};
    return Serve(asked, {.content = image.bytes});
  });
  StreamRequest request;
  request.url = server.Url();
  request.target = &fixture.device;
  request.cancellation = &fixture.cancellation;
  request.note = [&](const std::string& note) { notes.push_back(note); };
  REQUIRE_OK(fixture.MakeStreamer()->Stream(request));
  REQUIRE(notes.size() == 3);
  CHECK_THAT(notes[0], Catch::Matchers::Contains("HTTP 500"));
}

TEST_CASE("New bytes start the count of attempts anew") {
  const Image image;
  StreamFixture fixture(8 * kMiB);
  const size_t step = image.bytes.size() / 20;  // 20 breaks, only 4 attempts
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
    HttpAnswer answer = Serve(asked, {.content = image.bytes});
    answer.break_after = step;
    return answer;
  });
  REQUIRE_OK(fixture.Stream(server.Url(), kZstd, ImageHash::Of(Sha256Hex(image.bytes))));
  CHECK(server.Requests().size() >= 20);
}

TEST_CASE("A server that always breaks at the same byte is given up") {
  const Image image;
  for (const bool ranges : {true, false}) {
    for (const char* etag : {"\"v1\"", ""}) {
      {
        INFO("ranges " << ranges << " etag " << etag);
        StreamFixture fixture(8 * kMiB);
        ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
          HttpAnswer answer =
              Serve(asked, {.content = image.bytes, .etag = etag, .ranges = ranges});
          const bool partial = answer.status == 206;
          answer.break_after = partial ? 0 : 1000;
          return answer;
        });
        const auto result = fixture.Stream(server.Url(), kZstd);
        REQUIRE_ERROR(result, absl::StatusCode::kUnavailable, "gave up at byte 1000 of ");
        CHECK(GetErrorDetail(result.status()).retryable);
        CHECK(server.Requests().size() == 4);
      }
    }
  }
}

TEST_CASE("A wrong Content-Length does not pass") {
  const Image image;
  StreamFixture fixture(8 * kMiB);
  SECTION("more announced than there is") {
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      HttpAnswer answer = Serve(asked, {.content = image.bytes});
      if (answer.status == 200) answer.announced = image.bytes.size() + 100;
      return answer;
    });
    REQUIRE_ERROR(fixture.Stream(server.Url(), kZstd), absl::StatusCode::kUnavailable, "gave up");
  }
  SECTION("less announced than there is") {
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      HttpAnswer answer = Serve(asked, {.content = image.bytes});
      answer.announced = image.bytes.size() - 100;
      return answer;
    });
    const auto result = fixture.Stream(server.Url(), kZstd);
    REQUIRE_ERROR(result, absl::StatusCode::kDataLoss, "truncated");
  }
  SECTION("none announced, connection closed early") {
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      HttpAnswer answer = Serve(asked, {.content = image.bytes});
      answer.no_length = true;
      answer.break_after = image.bytes.size() - 100;
      return answer;
    });
    REQUIRE_ERROR(fixture.Stream(server.Url(), kZstd), absl::StatusCode::kDataLoss, "truncated");
  }
  SECTION("none announced, whole file") {
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      HttpAnswer answer = Serve(asked, {.content = image.bytes});
      answer.no_length = true;
      return answer;
    });
    REQUIRE_OK(fixture.Stream(server.Url(), kZstd));
    CHECK((fixture.device.Content(image.content.size()) == image.content));
  }
}

TEST_CASE("An empty file on a server is an error") {
  StreamFixture fixture(8 * kMiB);
  ScriptedHttpServer server([&](const HttpAsked&, size_t) { return HttpAnswer{}; });
  REQUIRE_ERROR(fixture.Stream(server.Url(), kZstd), absl::StatusCode::kDataLoss, "empty file");
}

TEST_CASE("A stalled server is noticed") {
  const Image image;
  StreamFixture fixture(8 * kMiB);
  fixture.options.stall_timeout = std::chrono::milliseconds(1500);
  SECTION("and the transfer goes on elsewhere") {
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
      HttpAnswer answer = Serve(asked, {.content = image.bytes});
      if (index == 0) {
        answer.break_after = 100'000;
        answer.stall = true;
      }
      return answer;
    });
    REQUIRE_OK(fixture.Stream(server.Url(), kZstd, ImageHash::Of(Sha256Hex(image.bytes))));
    CHECK(server.Requests().size() >= 2);
    CHECK((fixture.device.Content(image.content.size()) == image.content));
  }
  SECTION("and given up when it stays so") {
    fixture.options.attempts = 2;
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      HttpAnswer answer = Serve(asked, {.content = image.bytes});
      answer.break_after = 0;
      answer.stall = true;
      return answer;
    });
    const auto result = fixture.Stream(server.Url(), kZstd);
    REQUIRE_ERROR(result, absl::StatusCode::kUnavailable, "sent nothing for 1500 ms");
    CHECK(SubkindOf(result.status()) == "stalled");
  }
}

TEST_CASE("A slow device is not taken for a stalled server") {
  const std::string content = MakeContent(40 * kMiB, 15);
  const std::string bytes = Zstd(content);
  StreamFixture fixture(64 * kMiB);
  fixture.options.stall_timeout = std::chrono::milliseconds(3000);
  Cancellation never;
  fixture.device.on_write = [&](uint64_t offset) {
    if (offset == 0) never.WaitFor(std::chrono::milliseconds(4000));
  };
  ScriptedHttpServer server(
      [&](const HttpAsked& asked, size_t) { return Serve(asked, {.content = bytes}); });
  REQUIRE_OK(fixture.Stream(server.Url(), kZstd));
  CHECK(server.Requests().size() == 1);
}

TEST_CASE("Nobody listening is tried again and then said") {
  StreamFixture fixture(8 * kMiB);
  uint16_t port = 0;
  { const Socket closed_again = Listen(&port); }
  const auto result = fixture.Stream("http://127.0.0.1:" + std::to_string(port) + "/image", kZstd);
  REQUIRE_ERROR(result, absl::StatusCode::kUnavailable, "gave up");
  CHECK(SubkindOf(result.status()) == "unavailable");
}

TEST_CASE("Passwords of a URL do not appear in messages") {
  StreamFixture fixture(8 * kMiB);
  ScriptedHttpServer server(
      [&](const HttpAsked&, size_t) { return HttpAnswer{.status = 404, .body = "no"}; });
  std::string url = server.Url();
  url.insert(7, "user:secret@");
  const auto result = fixture.Stream(url, kZstd);
  REQUIRE_ERROR(result, absl::StatusCode::kNotFound, server.Url());
  CHECK_THAT(std::string(result.status().message()), !Catch::Matchers::Contains("secret"));
}

TEST_CASE("Redirects are followed within limits") {
  const Image image;
  StreamFixture fixture(8 * kMiB);
  SECTION("to the image, and resumed there") {
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t index) {
      if (asked.path == "/image") {
        return HttpAnswer{.status = 302, .headers = {"Location: /real"}, .body = "moved"};
      }
      HttpAnswer answer = Serve(asked, {.content = image.bytes});
      if (index == 1) answer.break_after = 5000;
      return answer;
    });
    REQUIRE_OK(fixture.Stream(server.Url(), kZstd));
    CHECK((fixture.device.Content(image.content.size()) == image.content));
  }
  SECTION("not in circles") {
    ScriptedHttpServer server([&](const HttpAsked&, size_t) {
      return HttpAnswer{.status = 302, .headers = {"Location: /image"}};
    });
    const auto result = fixture.Stream(server.Url(), kZstd);
    REQUIRE_ERROR(result, absl::StatusCode::kUnavailable, "redirect");
    CHECK(SubkindOf(result.status()) == "redirects");
    CHECK(server.Requests().size() == 11);
  }
  SECTION("not to another protocol") {
    ScriptedHttpServer server([&](const HttpAsked&, size_t) {
      return HttpAnswer{.status = 302, .headers = {"Location: file:///etc/passwd"}};
    });
    REQUIRE_ERROR(fixture.Stream(server.Url(), kZstd), absl::StatusCode::kUnavailable, "rotocol");
    CHECK(server.Requests().size() == 1);
  }
}

TEST_CASE("Cancelling ends a stream that waits for its server") {
  StreamFixture fixture(8 * kMiB);
  SECTION("for the next byte") {
    ScriptedHttpServer server([&](const HttpAsked&, size_t) {
      fixture.cancellation.Cancel();
      return HttpAnswer{.body = "x", .break_after = 0, .stall = true};
    });
    REQUIRE_ERROR(fixture.Stream(server.Url(), kZstd), absl::StatusCode::kCancelled, "cancelled");
  }
  SECTION("for the next attempt") {
    fixture.options.first_backoff = std::chrono::hours(1);
    fixture.options.longest_backoff = std::chrono::hours(1);
    ScriptedHttpServer server([&](const HttpAsked&, size_t) {
      fixture.cancellation.Cancel();
      return HttpAnswer{.status = 500, .body = "later"};
    });
    REQUIRE_ERROR(fixture.Stream(server.Url(), kZstd), absl::StatusCode::kCancelled, "cancelled");
  }
}

TEST_CASE("An image that is too large ends its transfer early") {
  const std::string content = MakeContent(40 * kMiB, 16);
  const std::string bytes = Zstd(content);
  StreamFixture fixture(8 * kMiB);
  ScriptedHttpServer server(
      [&](const HttpAsked& asked, size_t) { return Serve(asked, {.content = bytes}); });
  const auto result = fixture.Stream(server.Url(), kZstd);
  REQUIRE_ERROR(result, absl::StatusCode::kFailedPrecondition, "larger than its volume");
  CHECK(fixture.device.writes == 0);
}

}  // namespace
}  // namespace trident::test
