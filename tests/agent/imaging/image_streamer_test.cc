// Streams from files: formats, bad images, bad devices, cancellation.
#include "agent/imaging/image_streamer.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <vector>

#include "agent/imaging/read_back.h"
#include "tests/agent/imaging/stream_fixture.h"
#include "tests/agent/imaging/test_images.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr auto kZstd = ImageFormat::kRawZstd;
constexpr auto kXz = ImageFormat::kRawLzma;
constexpr auto kGzip = ImageFormat::kRawGzip;
constexpr auto kRaw = ImageFormat::kRaw;

TEST_CASE("A good image arrives whole") {
  const std::string content = MakeContent(5 * kMiB + 123, 1);
  const std::string part = MakeContent(kMiB, 2);
  const std::string padding(8, '\0');
  struct Case {
    const char* name;
    ImageFormat format;
    std::string image;
    std::string content;
  };
  const std::vector<Case> cases = {
      {"zstd, one frame", kZstd, Zstd(content), content},
      {"zstd, one frame without its size", kZstd, Zstd(content, {.content_size = false}), content},
      {"zstd, a window of exactly 128 MiB", kZstd,
       Zstd(content, {.window_log = 27, .content_size = false}), content},
      {"zstd, several frames", kZstd, Zstd(content) + Zstd(part) + Zstd(content),
       content + part + content},
      {"zstd, skippable frames everywhere", kZstd,
       ZstdSkippable(7) + Zstd(part) + ZstdSkippable(0) + Zstd(content) + ZstdSkippable(100),
       part + content},
      {"zstd, a skippable frame larger than a chunk first", kZstd,
       ZstdSkippable(2 * kMiB) + Zstd(part), part},
      {"zstd, an empty frame in between", kZstd, Zstd(part) + Zstd("") + Zstd(part), part + part},
      {"xz, one block", kXz, Xz(content), content},
      {"xz, several blocks", kXz, Xz(content, {.block_bytes = kMiB}), content},
      {"xz, blocks too large to be decoded in parallel", kXz,
       Xz(content, {.preset = 6, .block_bytes = 4 * kMiB, .dictionary_code = 26}), content},
      {"xz, several streams", kXz, Xz(part) + Xz(content, {.block_bytes = kMiB}), part + content},
      {"xz, padding between and behind streams", kXz, Xz(part) + padding + Xz(content) + padding,
       part + content},
      {"gzip, one member", kGzip, Gzip(content), content},
      {"gzip, a member with name, comment and extra field", kGzip, Gzip(content, {.name = true}),
       content},
      {"gzip, several members", kGzip, Gzip(part) + Gzip(content) + Gzip(part),
       part + content + part},
      {"gzip, an empty member in between", kGzip, Gzip(part) + Gzip("") + Gzip(part), part + part},
      {"gzip, the smallest of data", kGzip, Gzip(std::string(16 * kMiB, 'z'), {.level = 9}),
       std::string(16 * kMiB, 'z')},
      {"gzip, one block of the writer exactly", kGzip, Gzip(std::string(kMiB, 'y')),
       std::string(kMiB, 'y')},
      {"gzip, stored without compression", kGzip, Gzip(content, {.level = 0}), content},
      {"raw", kRaw, content, content},
      {"raw, one block of the writer exactly", kRaw, std::string(kMiB, 'y'),
       std::string(kMiB, 'y')},
      {"raw, one byte", kRaw, "x", "x"},
      {"one byte", kZstd, Zstd("x"), "x"},
      {"zstd, one block of the writer exactly", kZstd, Zstd(std::string(kMiB, 'y')),
       std::string(kMiB, 'y')},
      {"zstd, two blocks of the writer exactly", kZstd, Zstd(MakeContent(2 * kMiB, 17)),
       MakeContent(2 * kMiB, 17)},
      {"xz, one block of the writer exactly", kXz, Xz(std::string(kMiB, 'y')),
       std::string(kMiB, 'y')},
  };
  for (const Case& c : cases) {
    {
      INFO(c.name);
      StreamFixture fixture(32 * kMiB);
      const auto result =
          fixture.Stream(fixture.File(c.image), c.format, ImageHash::Of(Sha256Hex(c.image)));
      REQUIRE_OK(result);
      CHECK(result->sha256 == Sha256Hex(c.image));
      CHECK(result->fetched == c.image.size());
      CHECK(result->written == c.content.size());
      CHECK((fixture.device.Content(c.content.size()) == c.content));
      CHECK_FALSE(fixture.device.misaligned);
      CHECK(fixture.device.flushes == 1);
      CHECK_FALSE(fixture.device.wrote_after_flush);
      REQUIRE_OK(VerifyWritten(fixture.device, result->written, result->content_checksum,
                               fixture.cancellation, nullptr));
    }
  }
}

TEST_CASE("A bad image is refused and the error says what is wrong with it") {
  const std::string content = MakeContent(2 * kMiB, 3);
  const std::string zstd = Zstd(content);
  const std::string xz = Xz(content, {.block_bytes = kMiB / 2});
  const std::string plain_xz = Xz(content);
  const std::string gzip = Gzip(content);
  struct Case {
    const char* name;
    ImageFormat format;
    std::string image;
    const char* subkind;
    const char* words;
    bool nothing_written;
  };
  const std::vector<Case> cases = {
      {"an empty zstd file", kZstd, "", "truncated", "empty file", true},
      {"an empty xz file", kXz, "", "truncated", "empty file", true},
      {"zstd of nothing", kZstd, Zstd(""), "empty-image", "0 bytes", true},
      {"xz of nothing", kXz, Xz(""), "empty-image", "0 bytes", true},
      {"a zstd magic number alone", kZstd, zstd.substr(0, 4), "truncated", "header", true},
      {"zstd cut in the middle", kZstd, zstd.substr(0, zstd.size() / 2), "truncated", "zstd frame",
       false},
      {"zstd without its last byte", kZstd, zstd.substr(0, zstd.size() - 1), "truncated",
       "zstd frame", false},
      {"the second zstd frame cut", kZstd, zstd + zstd.substr(0, 10), "truncated", "zstd frame",
       false},
      {"xz cut in the middle", kXz, xz.substr(0, xz.size() / 2), "truncated", "xz stream", false},
      {"single-block xz cut in the middle", kXz, plain_xz.substr(0, plain_xz.size() / 2),
       "truncated", "xz stream", false},
      {"xz without its last byte", kXz, xz.substr(0, xz.size() - 1), "truncated", "xz stream",
       false},
      {"xz cut in its first header", kXz, xz.substr(0, 20), "truncated", "header", true},
      {"a bit of a zstd frame flipped", kZstd, Flipped(zstd, zstd.size() / 2), "corrupt-image",
       "corrupt", false},
      {"a bit of the zstd checksum flipped", kZstd, Flipped(zstd, zstd.size() - 1), "corrupt-image",
       "corrupt", false},
      {"a bit of an xz block flipped", kXz, Flipped(xz, xz.size() / 2), "corrupt-image", "corrupt",
       false},
      {"a bit of a single xz block flipped", kXz, Flipped(plain_xz, plain_xz.size() / 2),
       "corrupt-image", "corrupt", false},
      {"a bit of the xz index flipped", kXz, Flipped(xz, xz.size() - 20), "corrupt-image",
       "corrupt", false},
      {"a bit of the xz stream header flipped", kXz, Flipped(xz, 8), "corrupt-image",
       "stream header", true},
      {"a bit of the first xz block header flipped", kXz, Flipped(xz, 14), "corrupt-image",
       "first xz block", true},
      {"garbage behind zstd", kZstd, zstd + "garbage", "corrupt-image", "not zstd data", false},
      {"garbage behind xz", kXz, xz + "garbage, garbage", "corrupt-image", "xz", false},
      {"garbage behind xz that is shorter than a header", kXz, xz + "garbage!", "truncated", "xz",
       false},
      {"xz padding that is not a multiple of four", kXz, xz + std::string(3, '\0'), "corrupt-image",
       "xz", false},
      {"a skippable frame and then nothing", kZstd, ZstdSkippable(10), "empty-image", "0 bytes",
       true},
      {"xz called zstd", kZstd, xz, "wrong-format", "it is xz data", true},
      {"zstd called xz", kXz, zstd, "wrong-format", "it is zstd data", true},
      {"an empty gzip file", kGzip, "", "truncated", "empty file", true},
      {"an empty raw file", kRaw, "", "truncated", "empty file", true},
      {"gzip of nothing", kGzip, Gzip(""), "empty-image", "0 bytes", true},
      {"a gzip magic number alone", kGzip, gzip.substr(0, 2), "truncated", "header", true},
      {"gzip cut in the middle", kGzip, gzip.substr(0, gzip.size() / 2), "truncated", "gzip member",
       false},
      {"gzip without its last byte", kGzip, gzip.substr(0, gzip.size() - 1), "truncated",
       "gzip member", false},
      {"the second gzip member cut", kGzip, gzip + gzip.substr(0, 5), "truncated", "gzip member",
       false},
      {"a bit of a gzip member flipped", kGzip, Flipped(gzip, gzip.size() / 2), "corrupt-image",
       "gzip", false},
      {"a bit of the gzip checksum flipped", kGzip, Flipped(gzip, gzip.size() - 6), "corrupt-image",
       "data check", false},
      {"a bit of the gzip length flipped", kGzip, Flipped(gzip, gzip.size() - 1), "corrupt-image",
       "length check", false},
      {"an unknown gzip method", kGzip, Flipped(gzip, 2), "corrupt-image", "method", true},
      {"unknown gzip flags", kGzip, std::string(gzip).replace(3, 1, "\xE0"), "corrupt-image",
       "flags", true},
      {"garbage behind gzip", kGzip, gzip + "garbage", "corrupt-image", "not gzip data", false},
      {"one byte behind gzip", kGzip, gzip + "g", "corrupt-image", "not gzip data", false},
      {"padding behind gzip", kGzip, gzip + std::string(512, '\0'), "corrupt-image",
       "not gzip data", false},
      {"zstd called gzip", kGzip, zstd, "wrong-format", "it is zstd data", true},
      {"raw called gzip", kGzip, content, "wrong-format", "something else", true},
      {"gzip called raw", kRaw, gzip, "wrong-format", "it is gzip data", true},
      {"zstd called raw", kRaw, zstd, "wrong-format", "it is zstd data", true},
      {"xz called raw", kRaw, xz, "wrong-format", "it is xz data", true},
      {"a web page called raw", kRaw, "<html>not found</html>", "wrong-format", "web page", true},
      {"a web page", kXz, "<html>not found</html>", "wrong-format", "web page", true},
      {"a zstd window of 256 MiB", kZstd, Zstd(content, {.window_log = 28, .content_size = false}),
       "window-too-large", "268435456", true},
      {"a zstd window of 256 MiB behind a skippable frame", kZstd,
       ZstdSkippable(kMiB) + Zstd(content, {.window_log = 28, .content_size = false}),
       "window-too-large", "zstd window", true},
      {"an xz dictionary of 192 MiB", kXz, Xz(content, {.dictionary_code = 31}), "window-too-large",
       "201326592", true},
      {"a later xz stream with a dictionary of 192 MiB", kXz,
       xz + Xz(content, {.dictionary_code = 31}), "window-too-large", "xz dictionary", false},
  };
  for (const Case& c : cases) {
    {
      INFO(c.name);
      StreamFixture fixture(32 * kMiB);
      const std::string url = fixture.File(c.image);
      const auto result = fixture.Stream(url, c.format);
      REQUIRE_FALSE(result.ok());
      INFO(result.status().ToString());
      CHECK(SubkindOf(result.status()) == c.subkind);
      CHECK(GetErrorDetail(result.status()).kind == "image");
      CHECK_THAT(std::string(result.status().message()), Catch::Matchers::Contains(c.words));
      CHECK_THAT(std::string(result.status().message()), Catch::Matchers::Contains(url));
      CHECK(fixture.device.flushes == 0);
      if (c.nothing_written) CHECK(fixture.device.writes == 0);
    }
  }
}

TEST_CASE("An image must fit its device") {
  const std::string content = MakeContent(8 * kMiB + 512, 4);
  struct Case {
    const char* name;
    ImageFormat format;
    std::string image;
    uint64_t device_bytes;
    bool fits;
    bool nothing_written;
  };
  const std::vector<Case> cases = {
      {"exactly as large, zstd", kZstd, Zstd(content), content.size(), true, false},
      {"exactly as large, xz", kXz, Xz(content), content.size(), true, false},
      {"one byte too large, size in the zstd header", kZstd, Zstd(content), content.size() - 1,
       false, true},
      {"one byte too large, no size in the header", kZstd, Zstd(content, {.content_size = false}),
       content.size() - 1, false, false},
      {"one byte too large, xz", kXz, Xz(content), content.size() - 1, false, false},
      {"the second frame too large", kZstd, Zstd(content) + Zstd(content), 9 * kMiB, false, false},
      {"the first xz block too large", kXz, Xz(content, {.block_bytes = 4 * kMiB}), 3 * kMiB, false,
       true},
      {"exactly as large, gzip", kGzip, Gzip(content), content.size(), true, false},
      {"one byte too large, gzip", kGzip, Gzip(content), content.size() - 1, false, false},
      {"exactly as large, raw", kRaw, content, content.size(), true, false},
      {"one byte too large, raw", kRaw, content, content.size() - 1, false, true},
      {"a device without any room", kZstd, Zstd(content), 0, false, true},
  };
  for (const Case& c : cases) {
    {
      INFO(c.name);
      StreamFixture fixture(c.device_bytes);
      const auto result = fixture.Stream(fixture.File(c.image), c.format);
      if (c.fits) {
        REQUIRE_OK(result);
        CHECK((fixture.device.Content(content.size()) == content));
        continue;
      }
      REQUIRE_ERROR(result, absl::StatusCode::kFailedPrecondition, "larger than its volume");
      CHECK(SubkindOf(result.status()) == "image-too-large");
      CHECK(fixture.device.flushes == 0);
      if (c.nothing_written) CHECK(fixture.device.writes == 0);
    }
  }
}

TEST_CASE("A wrong hash is an error that names both hashes") {
  StreamFixture fixture(16 * kMiB);
  const std::string image = Zstd(MakeContent(5 * kMiB, 5));
  const std::string expected(64, 'a');
  const auto result = fixture.Stream(fixture.File(image), kZstd, ImageHash::Of(expected));
  REQUIRE_ERROR(result, absl::StatusCode::kDataLoss, expected);
  CHECK_THAT(std::string(result.status().message()), Catch::Matchers::Contains(Sha256Hex(image)));
  CHECK(SubkindOf(result.status()) == "hash-mismatch");
  CHECK(fixture.device.flushes == 0);
}

TEST_CASE("An error of the device ends the stream and keeps its kind") {
  const std::string image = Zstd(MakeContent(20 * kMiB, 6));
  SECTION("the first write") {
    StreamFixture fixture(32 * kMiB);
    fixture.device.fail_write_at = 0;
    const auto result = fixture.Stream(fixture.File(image), kZstd);
    REQUIRE_ERROR(result, absl::StatusCode::kDataLoss, "Input/output error");
    CHECK(GetErrorDetail(result.status()).kind == "storage");
    CHECK(fixture.device.writes == 1);
  }
  SECTION("a write in the middle") {
    StreamFixture fixture(32 * kMiB);
    fixture.device.fail_write_at = 9 * kMiB;
    REQUIRE_ERROR(fixture.Stream(fixture.File(image), kZstd), absl::StatusCode::kDataLoss,
                  "Input/output error");
    CHECK(fixture.device.writes == 10);
    CHECK(fixture.device.flushes == 0);
  }
  SECTION("the flush") {
    StreamFixture fixture(32 * kMiB);
    fixture.device.fail_flush = true;
    REQUIRE_ERROR(fixture.Stream(fixture.File(image), kZstd, ImageHash::Of(Sha256Hex(image))),
                  absl::StatusCode::kDataLoss, "flushing");
  }
}

TEST_CASE("A URL that cannot be streamed is refused by name") {
  StreamFixture fixture(kMiB);
  struct Case {
    std::string url;
    absl::StatusCode code;
    const char* words;
  };
  const std::vector<Case> cases = {
      {"oci://registry/Image:1", absl::StatusCode::kInvalidArgument, "name of a repository"},
      {"ftp://host/image", absl::StatusCode::kInvalidArgument, "'ftp' is not known"},
      {"/image", absl::StatusCode::kInvalidArgument, "no scheme"},
      {"http:///image", absl::StatusCode::kInvalidArgument, "names no host"},
      {"file://relative/image", absl::StatusCode::kInvalidArgument, "absolute path"},
      {"file:///a%2", absl::StatusCode::kInvalidArgument, "hexadecimal"},
      {"file:///a%00b", absl::StatusCode::kInvalidArgument, "NUL"},
      {"file://" + fixture.directory.path(), absl::StatusCode::kInvalidArgument,
       "not a regular file"},
      {"file://" + fixture.directory.path() + "/none", absl::StatusCode::kNotFound, "none"},
  };
  for (const Case& c : cases) {
    {
      INFO(c.url);
      REQUIRE_ERROR(fixture.Stream(c.url, kZstd), c.code, c.words);
    }
  }
}

TEST_CASE("A FIFO is refused instead of waited for") {
  StreamFixture fixture(kMiB);
  REQUIRE(mkfifo((fixture.directory / "fifo").c_str(), 0600) == 0);
  REQUIRE_ERROR(fixture.Stream("file://" + (fixture.directory / "fifo"), kZstd),
                absl::StatusCode::kInvalidArgument, "not a regular file");
}

TEST_CASE("The path of a file URL is percent-decoded") {
  StreamFixture fixture(kMiB);
  WriteFile(fixture.directory / "an image%", Zstd("content"));
  for (const std::string host : {"", "localhost"}) {
    const auto result =
        fixture.Stream("file://" + host + (fixture.directory / "an%20image%25"), kZstd);
    REQUIRE_OK(result);
    CHECK(result->written == 7);
  }
}

TEST_CASE("Cancelling ends a stream") {
  StreamFixture fixture(64 * kMiB);
  const std::string url = fixture.File(Zstd(MakeContent(40 * kMiB, 7)));
  SECTION("in the middle") {
    // 40 MiB do not fit into the buffers of the pipeline, so the stream is not over yet.
    fixture.device.on_write = [&](uint64_t offset) {
      if (offset == 4 * kMiB) fixture.cancellation.Cancel();
    };
    const auto result = fixture.Stream(url, kZstd);
    REQUIRE_ERROR(result, absl::StatusCode::kCancelled, "cancelled");
    CHECK(fixture.device.flushes == 0);
  }
  SECTION("before it began") {
    fixture.cancellation.Cancel();
    REQUIRE_ERROR(fixture.Stream(url, kZstd), absl::StatusCode::kCancelled, "cancelled");
    CHECK(fixture.device.flushes == 0);
  }
}

TEST_CASE("Progress goes up to the end and never back") {
  StreamFixture fixture(32 * kMiB);
  const std::string content = MakeContent(20 * kMiB, 8);
  const std::string image = Zstd(content);
  std::vector<StreamProgress> reports;
  StreamRequest request;
  request.url = fixture.File(image);
  request.target = &fixture.device;
  request.cancellation = &fixture.cancellation;
  request.progress = [&](const StreamProgress& progress) { reports.push_back(progress); };
  REQUIRE_OK(fixture.MakeStreamer()->Stream(request));
  REQUIRE_FALSE(reports.empty());
  for (size_t i = 1; i < reports.size(); ++i) {
    CHECK(reports[i].fetched >= reports[i - 1].fetched);
    CHECK(reports[i].written >= reports[i - 1].written);
  }
  CHECK(reports.back().fetched == image.size());
  CHECK(reports.back().fetch_total == image.size());
  CHECK(reports.back().written == content.size());
}

TEST_CASE("Reading back finds what the medium has changed") {
  const std::string content = MakeContent(9 * kMiB + 5, 9);
  StreamFixture fixture(16 * kMiB);
  const auto result = fixture.Stream(fixture.File(Xz(content)), kXz);
  REQUIRE_OK(result);
  const auto verify = [&](uint64_t length) {
    return VerifyWritten(fixture.device, length, result->content_checksum, fixture.cancellation,
                         nullptr);
  };
  SECTION("nothing") {
    uint64_t last = 0;
    REQUIRE_OK(VerifyWritten(fixture.device, result->written, result->content_checksum,
                             fixture.cancellation, [&](uint64_t done) { last = done; }));
    CHECK(last == content.size());
  }
  SECTION("one byte at the end") {
    const uint8_t other = static_cast<uint8_t>(content.back()) ^ 1;
    REQUIRE_OK(fixture.device.WriteAt(content.size() - 1, {&other, 1}));
    const absl::Status status = verify(result->written);
    REQUIRE_ERROR(status, absl::StatusCode::kDataLoss, "not what was written");
    CHECK(SubkindOf(status) == "read-back-mismatch");
  }
  SECTION("an unreadable place") {
    fixture.device.fail_read_at = 8 * kMiB;
    REQUIRE_ERROR(verify(result->written), absl::StatusCode::kDataLoss, "Input/output error");
  }
  SECTION("a device that is too short") {
    REQUIRE_ERROR(verify(17 * kMiB), absl::StatusCode::kOutOfRange, "only");
  }
  SECTION("cancelled") {
    fixture.cancellation.Cancel();
    REQUIRE_ERROR(verify(result->written), absl::StatusCode::kCancelled, "cancelled");
  }
}

TEST_CASE("A device that checks itself is read to its end, or to what it does not give") {
  StreamFixture fixture(9 * kMiB);
  SECTION("to its end") {
    uint64_t last = 0;
    REQUIRE_OK(
        ReadThrough(fixture.device, fixture.cancellation, [&](uint64_t done) { last = done; }));
    CHECK(last == 9 * kMiB);
  }
  SECTION("an unreadable place") {
    fixture.device.fail_read_at = 9 * kMiB - 1;
    REQUIRE_ERROR(ReadThrough(fixture.device, fixture.cancellation, nullptr),
                  absl::StatusCode::kDataLoss, "Input/output error");
  }
  SECTION("cancelled") {
    fixture.cancellation.Cancel();
    REQUIRE_ERROR(ReadThrough(fixture.device, fixture.cancellation, nullptr),
                  absl::StatusCode::kCancelled, "cancelled");
  }
}

}  // namespace
}  // namespace trident::test
