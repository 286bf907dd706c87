// Images whose hash comes from SHA256SUMS, with and without a signature.
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "agent/imaging/manifest_signature.h"
#include "tests/agent/imaging/nginx.h"
#include "tests/agent/imaging/signing_key.h"
#include "tests/agent/imaging/stream_fixture.h"
#include "tests/agent/imaging/test_images.h"
#include "tests/support/scripted_http_server.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr auto kZstd = ImageFormat::kRawZstd;

TEST_CASE("gpgv's status lines are believed only when all signatures are good") {
  struct Case {
    const char* name;
    const char* lines;
    bool good;
  };
  const Case cases[] = {
      {"a good one", "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0123 me <me@x>\n[GNUPG:] VALIDSIG 01\n",
       true},
      {"nothing", "", false},
      {"a bad one", "[GNUPG:] BADSIG 0123 me\n", false},
      {"an unknown key", "[GNUPG:] ERRSIG 0123 22 10 00 1 9\n[GNUPG:] NO_PUBKEY 0123\n", false},
      {"an expired key", "[GNUPG:] EXPKEYSIG 0123 me\n[GNUPG:] VALIDSIG 01\n", false},
      {"a revoked key", "[GNUPG:] REVKEYSIG 0123 me\n[GNUPG:] VALIDSIG 01\n", false},
      {"an expired signature", "[GNUPG:] EXPSIG 0123 me\n", false},
      {"a good one and a bad one", "[GNUPG:] GOODSIG 01 me\n[GNUPG:] BADSIG 02 you\n", false},
      {"a name that looks like a line", "[GNUPG:] NODATA 1\n x [GNUPG:] GOODSIG 01\n", false},
      {"another program's words", "GOODSIG 0123 me\n", false},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(AllSignaturesGood(c.lines) == c.good);
  }
}

TEST_CASE("The hash of an image comes from SHA256SUMS beside it") {
  const std::string content = MakeContent(2 * kMiB, 61);
  const std::string image = Zstd(content);
  const Nginx nginx;
  StreamFixture fixture(4 * kMiB);
  const std::string file_url = fixture.File(image);
  nginx.Publish("image", image);
  const std::string http_url = "http://127.0.0.1:" + std::to_string(nginx.port()) + "/image";
  const auto publish = [&](const std::string& list) {
    WriteFile(fixture.directory / "SHA256SUMS", list);
    nginx.Publish("SHA256SUMS", list);
  };
  for (const std::string& url : {file_url, http_url}) {
    INFO(url);
    publish("0" + std::string(63, '1') + "  other\n" + Sha256Hex(image) + " *image\n");
    const auto facts = fixture.Probe(url, kZstd, ImageHash::Manifest());
    REQUIRE_OK(facts);
    CHECK(facts->sha256 == Sha256Hex(image));
    const auto result = fixture.Stream(url, kZstd, ImageHash::Manifest());
    REQUIRE_OK(result);
    CHECK(result->sha256 == Sha256Hex(image));
    CHECK(result->hash_compared);
    CHECK((fixture.device.Content(content.size()) == content));

    publish(std::string(64, 'a') + "  image\n");
    const auto wrong = fixture.Stream(url, kZstd, ImageHash::Manifest());
    REQUIRE_ERROR(wrong, absl::StatusCode::kDataLoss, std::string(64, 'a'));
    CHECK(SubkindOf(wrong.status()) == "hash-mismatch");
  }
}

TEST_CASE("A list that is of no use is refused before anything is written") {
  const std::string image = Zstd("content");
  struct Case {
    const char* name;
    std::string list;
    absl::StatusCode code;
    const char* words;
  };
  const std::vector<Case> cases = {
      {"the image is not listed", Sha256Hex(image) + "  other\n", absl::StatusCode::kNotFound,
       "'image' is not listed"},
      {"two hashes", Sha256Hex(image) + "  image\n" + std::string(64, 'a') + "  image\n",
       absl::StatusCode::kInvalidArgument, "two different hashes"},
      {"more than 1 MiB", std::string(kMiB + 1, '\n'), absl::StatusCode::kResourceExhausted,
       "1048576"},
      {"a web page", "<html>\n", absl::StatusCode::kInvalidArgument, "line 1"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    StreamFixture fixture(kMiB);
    const std::string file_url = fixture.File(image);
    WriteFile(fixture.directory / "SHA256SUMS", c.list);
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
      return HttpAnswer{.body = asked.path == "/SHA256SUMS" ? c.list : image};
    });
    for (const std::string& url : {file_url, server.Url()}) {
      for (const absl::Status& status :
           {fixture.Probe(url, kZstd, ImageHash::Manifest()).status(),
            fixture.Stream(url, kZstd, ImageHash::Manifest()).status()}) {
        REQUIRE_ERROR(status, c.code, c.words);
        CHECK_THAT(std::string(status.message()), Catch::Matchers::Contains("SHA256SUMS"));
      }
    }
    CHECK(fixture.device.writes == 0);
  }
  StreamFixture fixture(kMiB);
  ScriptedHttpServer server([&](const HttpAsked& asked, size_t) {
    return asked.path == "/SHA256SUMS" ? HttpAnswer{.status = 404} : HttpAnswer{.body = image};
  });
  for (const std::string& url : {fixture.File(image), server.Url()}) {
    REQUIRE_ERROR(fixture.Probe(url, kZstd, ImageHash::Manifest()), absl::StatusCode::kNotFound,
                  "SHA256SUMS");
  }
}

TEST_CASE("With a keyring the list is believed only with a good signature") {
  const std::string image = Zstd("content");
  const std::string list = Sha256Hex(image) + "  image\n";
  const SigningKey key;
  const SigningKey other;
  const SigningKey expired(SigningKey::State::kExpired);
  const std::string signature = key.Sign(list);
  struct Case {
    const char* name;
    std::string signature;  // empty: there is no file
    std::string keyring;
    absl::StatusCode code;
    const char* words;
  };
  const auto kDenied = absl::StatusCode::kPermissionDenied;
  const std::vector<Case> cases = {
      {"a good signature", signature, key.keyring(), absl::StatusCode::kOk, ""},
      {"no signature", "", key.keyring(), absl::StatusCode::kNotFound, "SHA256SUMS.gpg"},
      {"a signature of another list", key.Sign(list + list), key.keyring(), kDenied,
       "BAD signature"},
      {"a signature of another key", other.Sign(list), key.keyring(), kDenied, "SHA256SUMS.gpg"},
      {"a signature of an expired key", expired.Sign(list), expired.keyring(), kDenied,
       "SHA256SUMS.gpg"},
      {"something that is no signature", "signature", key.keyring(), kDenied, "SHA256SUMS.gpg"},
      {"a good and a bad signature", signature + key.Sign("x"), key.keyring(), kDenied,
       "SHA256SUMS.gpg"},
      {"more than 64 KiB", std::string(65'537, 'x'), key.keyring(),
       absl::StatusCode::kResourceExhausted, "SHA256SUMS.gpg"},
      {"no keyring", signature, "/nowhere/keyring.gpg", absl::StatusCode::kNotFound,
       "/nowhere/keyring.gpg"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    StreamFixture fixture(kMiB);
    fixture.options.manifest_keyring = c.keyring;
    fixture.options.work_folder = fixture.directory / "work";
    const std::string file_url = fixture.File(image);
    WriteFile(fixture.directory / "SHA256SUMS", list);
    if (!c.signature.empty()) WriteFile(fixture.directory / "SHA256SUMS.gpg", c.signature);
    ScriptedHttpServer server([&](const HttpAsked& asked, size_t) -> HttpAnswer {
      if (asked.path == "/SHA256SUMS") return {.body = list};
      if (asked.path != "/SHA256SUMS.gpg") return {.body = image};
      if (c.signature.empty()) return {.status = 404};
      return {.body = c.signature};
    });
    for (const std::string& url : {file_url, server.Url()}) {
      INFO(url);
      const auto result = fixture.Stream(url, kZstd, ImageHash::Manifest());
      if (c.code == absl::StatusCode::kOk) {
        REQUIRE_OK(result);
        REQUIRE_OK(fixture.Probe(url, kZstd, ImageHash::Manifest()));
      } else {
        REQUIRE_ERROR(result, c.code, c.words);
        REQUIRE_ERROR(fixture.Probe(url, kZstd, ImageHash::Manifest()), c.code, c.words);
        CHECK(fixture.device.writes == 0);
      }
    }
    // Nothing is left behind.
    if (fixture.files->Exists(fixture.options.work_folder)) {
      CHECK(fixture.files->List(fixture.options.work_folder)->empty());
    }
  }
}

TEST_CASE("A signature of a revoked key is not good") {
  const std::string image = Zstd("content");
  const std::string list = Sha256Hex(image) + "  image\n";
  SigningKey key;
  const std::string signature = key.Sign(list);
  StreamFixture fixture(kMiB);
  fixture.options.manifest_keyring = key.keyring();
  fixture.options.work_folder = fixture.directory / "work";
  const std::string url = fixture.File(image);
  WriteFile(fixture.directory / "SHA256SUMS", list);
  WriteFile(fixture.directory / "SHA256SUMS.gpg", signature);
  REQUIRE_OK(fixture.Probe(url, kZstd, ImageHash::Manifest()));
  key.Revoke();
  REQUIRE_ERROR(fixture.Probe(url, kZstd, ImageHash::Manifest()),
                absl::StatusCode::kPermissionDenied, "SHA256SUMS.gpg");
}

TEST_CASE("A clean machine without gpgv says what is missing") {
  const std::unique_ptr<Files> files = MakeLinuxFiles();
  const TemporaryDirectory directory;
  WriteFile(directory / "keyring", "x");
  class NoPrograms : public CommandRunner {
   public:
    absl::StatusOr<CommandResult> Run(const Command& command) override {
      return MakeError(absl::StatusCode::kNotFound, "environment", "no-program",
                       "there is no program " + command.argv[0]);
    }
  } commands;
  REQUIRE_ERROR(CheckSignature(*files, commands, directory / "work", directory / "keyring",
                               {"text", "signature", "file:///SHA256SUMS.gpg"}),
                absl::StatusCode::kNotFound, "gpgv");
}

}  // namespace
}  // namespace trident::test
