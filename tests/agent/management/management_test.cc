#include <catch2/catch.hpp>

#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "agent/management/runtime_configuration.h"
#include "agent/management/target_agent.h"
#include "common/config/document.h"
#include "tests/support/status_matchers.h"

namespace trident {

TEST_CASE("the runtime configuration says what management asks for") {
  HostConfiguration document;
  SECTION("nothing") {
    const AgentConfiguration runtime = MakeRuntimeConfiguration(document, {});
    CHECK(runtime.datastore == kDefaultDatastorePath);
    CHECK_FALSE(runtime.grpc);
    CHECK_FALSE(runtime.phonehome);
    CHECK(runtime.allowed_operations == AllowedOperations::All());
    CHECK(runtime.host_configuration == document);
  }
  SECTION("gRPC and a datastore") {
    document.management.enable_grpc = true;
    document.management.datastore_path = "/data/x.sqlite";
    const AgentConfiguration runtime = MakeRuntimeConfiguration(document, {});
    CHECK(runtime.grpc == GrpcConfiguration{});
    CHECK(runtime.datastore == "/data/x.sqlite");
  }
  SECTION("phonehome of the running agent is handed on") {
    CHECK(MakeRuntimeConfiguration(document, {.phonehome = "http://192.0.2.1/"}).phonehome ==
          "http://192.0.2.1/");
  }
  SECTION("how images are trusted is handed on") {
    const AgentConfiguration runtime = MakeRuntimeConfiguration(
        document, {.registry_credentials = "/etc/r.json", .manifest_keyring = "/etc/k.gpg"});
    CHECK(runtime.registry_credentials == "/etc/r.json");
    CHECK(runtime.manifest_keyring == "/etc/k.gpg");
  }
  SECTION("phonehome of the document wins, and the document stays as it was submitted") {
    document.management.phonehome = "http://192.0.2.2/";
    const AgentConfiguration runtime =
        MakeRuntimeConfiguration(document, {.phonehome = "http://192.0.2.1/"});
    CHECK(runtime.phonehome == "http://192.0.2.2/");
    CHECK(ConfigurationDigest(*runtime.host_configuration) == ConfigurationDigest(document));
  }
}

TEST_CASE("an address for phonehome is handed on unless it is the document's") {
  AgentConfiguration configuration;
  configuration.phonehome = "http://192.0.2.1/";
  CHECK(HandedOnBy(configuration).phonehome == "http://192.0.2.1/");
  configuration.host_configuration = HostConfiguration{};
  CHECK(HandedOnBy(configuration).phonehome == "http://192.0.2.1/");
  configuration.host_configuration->management.phonehome = "http://192.0.2.2/";
  CHECK(HandedOnBy(configuration).phonehome == "http://192.0.2.1/");
  SECTION("so that it goes when the document stops to name it") {
    configuration.host_configuration->management.phonehome = "http://192.0.2.1/";
    CHECK_FALSE(HandedOnBy(configuration).phonehome);
    CHECK_FALSE(MakeRuntimeConfiguration(HostConfiguration{}, HandedOnBy(configuration)).phonehome);
  }
}

TEST_CASE("the log stream is handed on by an installed host only") {
  AgentConfiguration configuration;
  configuration.logstream = "http://192.0.2.1/";
  CHECK_FALSE(HandedOnBy(configuration).logstream);
  configuration.datastore = kDefaultDatastorePath;
  CHECK(HandedOnBy(configuration).logstream == "http://192.0.2.1/");
}

TEST_CASE("files that are handed on are copied unless the image brings its own") {
  FakeFiles files;
  files.SetFile("/etc/trident/r.json", "credentials", 0600);
  files.SetFile("/etc/trident/k.gpg", "old keys");
  files.SetDirectory("/new/usr");
  const HandedOn handed_on = {.registry_credentials = "/etc/trident/r.json",
                              .manifest_keyring = "/etc/trident/k.gpg"};
  SECTION("into a root without") {
    REQUIRE_OK(CopyHandedOnFiles(files, "/new", handed_on));
    CHECK(files.Get("/new/etc/trident/r.json") == "credentials");
    CHECK(files.ModeOf("/new/etc/trident/r.json") == 0600);
    CHECK(files.Get("/new/etc/trident/k.gpg") == "old keys");
  }
  SECTION("into a root with newer keys") {
    files.SetFile("/new/etc/trident/k.gpg", "new keys");
    REQUIRE_OK(CopyHandedOnFiles(files, "/new", handed_on));
    CHECK(files.Get("/new/etc/trident/r.json") == "credentials");
    CHECK(files.Get("/new/etc/trident/k.gpg") == "new keys");
  }
  SECTION("what is not here is left out") {
    REQUIRE_OK(CopyHandedOnFiles(files, "/new", {.registry_credentials = "/none"}));
    REQUIRE_OK(CopyHandedOnFiles(files, "/new", {}));
    CHECK_FALSE(files.Exists("/new/none"));
    CHECK_FALSE(files.Exists("/new/etc"));
  }
}

TEST_CASE("the runtime configuration is written into the root, private, and reads back") {
  FakeFiles files;
  files.SetDirectory("/new/etc");
  const AgentConfiguration runtime = MakeRuntimeConfiguration(HostConfiguration{}, {});
  REQUIRE_OK(WriteRuntimeConfiguration(files, "/new", runtime));
  CHECK(files.ModeOf("/new/etc/trident/config.yaml") == 0600);
  const auto read = ParseAgentConfiguration(*files.Get("/new/etc/trident/config.yaml"));
  REQUIRE_OK(read);
  CHECK(*read == runtime);
}

TEST_CASE("a link in the image does not lead the configuration out of the new root") {
  FakeFiles files;
  files.SetDirectory("/new/etc");
  files.SetDirectory("/var/outside");
  files.SetDirectory("/new/var/outside");
  files.SetLink("/new/etc/trident", "/var/outside");
  REQUIRE_OK(WriteRuntimeConfiguration(files, "/new", AgentConfiguration{}));
  CHECK_FALSE(files.Get("/var/outside/config.yaml"));
  CHECK(files.Get("/new/var/outside/config.yaml"));
}

TEST_CASE("store ranges are printed and read, and nothing else is taken for one") {
  CHECK(FormatStoreRange({1, 3}) == "1 3");
  const auto range = ParseStoreRange("1 3\n");
  REQUIRE_OK(range);
  CHECK(*range == StoreRange{1, 3});
  for (const char* text : {"", "1", "3 1", "a b", "1 2 3", "1 99999999999999"}) {
    INFO(text);
    CHECK_FALSE(ParseStoreRange(text).ok());
  }
}

TEST_CASE("selfUpgrade copies the running agent over the image's") {
  FakeFiles files;
  files.SetFile("/proc/self/exe", "new agent");
  files.SetFile("/new/usr/bin/tridentd", "old agent", 0755);
  REQUIRE_OK(UpgradeTargetAgent(files, "/new", "/proc/self/exe"));
  CHECK(files.Get("/new/usr/bin/tridentd") == "new agent");
  CHECK(files.ModeOf("/new/usr/bin/tridentd") == 0755);
}

TEST_CASE("an image without an agent is refused") {
  FakeFiles files;
  files.SetDirectory("/new/usr/bin");
  FakeCommandRunner commands;
  REQUIRE_ERROR(InspectTargetAgent(files, commands, "/new"), absl::StatusCode::kFailedPrecondition,
                "no agent");
}

}  // namespace trident
