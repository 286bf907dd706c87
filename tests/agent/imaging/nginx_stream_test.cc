// Streams and probes against a real web server.
#include <catch2/catch.hpp>

#include "agent/imaging/image_probe.h"
#include "agent/imaging/read_back.h"
#include "tests/agent/imaging/cutting_proxy.h"
#include "tests/agent/imaging/nginx.h"
#include "tests/agent/imaging/stream_fixture.h"
#include "tests/agent/imaging/test_images.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr long kDay = 24L * 60 * 60;
constexpr auto kZstd = ImageFormat::kRawZstd;
constexpr auto kXz = ImageFormat::kRawLzma;

TEST_CASE("A stream from nginx over a line that breaks is resumed by range") {
  const std::string content = MakeContent(24 * kMiB, 31);
  for (const ImageFormat format : {kZstd, kXz}) {
    {
      INFO("format " << static_cast<int>(format));
      const std::string image =
          format == kZstd ? Zstd(content) : Xz(content, {.block_bytes = 2 * kMiB});
      const Nginx nginx;
      nginx.Publish("root.img", image);
      // Without ranges, cuts that come ever earlier would never let it get to the end.
      CuttingProxy proxy(nginx.port(), {9 * kMiB, 500'000, 100, 200'000});
      StreamFixture fixture(32 * kMiB);
      const auto result = fixture.Stream(proxy.Url("root.img"), format);
      REQUIRE_OK(result);
      CHECK(proxy.connections() == 5);
      CHECK(result->sha256 == Sha256Hex(image));
      CHECK(result->written == content.size());
      CHECK((fixture.device.Content(content.size()) == content));
      REQUIRE_OK(VerifyWritten(fixture.device, result->written, result->content_checksum,
                               fixture.cancellation, nullptr));
    }
  }
}

TEST_CASE("A probe of nginx reads head and tail") {
  const std::string content = MakeContent(2 * kMiB, 32);
  const std::string image = Xz(content, {.block_bytes = 256 * 1024});
  const Nginx nginx;
  nginx.Publish("root.img", image);
  nginx.Publish("empty.img", "");
  const std::string base = "http://127.0.0.1:" + std::to_string(nginx.port()) + "/";
  const StreamFixture fixture(0);
  const auto facts = fixture.Probe(base + "root.img", kXz);
  REQUIRE_OK(facts);
  CHECK(facts->fetch_bytes == image.size());
  CHECK(facts->content_bytes == content.size());
  CHECK_FALSE(facts->validator.empty());
  REQUIRE_ERROR(fixture.Probe(base + "empty.img", kXz), absl::StatusCode::kDataLoss, "empty file");
  REQUIRE_ERROR(fixture.Probe(base + "none.img", kXz), absl::StatusCode::kNotFound, "404");
}

TEST_CASE("TLS is verified and errors of dates mention the clock") {
  struct Case {
    const char* name;
    long valid_from;
    long valid_until;
    bool trusted;
    const char* subkind;  // empty: works
    const char* words;
  };
  const Case cases[] = {
      {"a good certificate", -kDay, kDay, true, "", ""},
      {"an unknown authority", -kDay, kDay, false, "certificate", "certificate"},
      {"an expired certificate", -2 * kDay, -kDay, true, "certificate-dates",
       "has expired by the clock of this host"},
      {"a certificate of the future", kDay, 2 * kDay, true, "certificate-dates",
       "is not valid yet by the clock of this host"},
  };
  const std::string content = MakeContent(kMiB, 33);
  const Certificate somebody_else = MakeCertificate(-kDay, kDay);
  for (const Case& c : cases) {
    {
      INFO(c.name);
      const Nginx nginx(MakeCertificate(c.valid_from, c.valid_until));
      nginx.Publish("root.img", Zstd(content));
      StreamFixture fixture(2 * kMiB);
      WriteFile(fixture.directory / "other.pem", somebody_else.certificate);
      fixture.options.ca_file =
          c.trusted ? nginx.certificate_path() : fixture.directory / "other.pem";
      const auto result = fixture.Stream(nginx.TlsUrl("root.img"), kZstd);
      if (*c.subkind == '\0') {
        REQUIRE_OK(result);
        CHECK((fixture.device.Content(content.size()) == content));
        continue;
      }
      REQUIRE_ERROR(result, absl::StatusCode::kUnavailable, c.words);
      CHECK(SubkindOf(result.status()) == c.subkind);
      CHECK_FALSE(GetErrorDetail(result.status()).retryable);
      CHECK(fixture.device.writes == 0);
    }
  }
}

}  // namespace
}  // namespace trident::test
