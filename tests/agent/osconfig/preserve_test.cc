#include "agent/osconfig/preserve.h"

#include <sys/stat.h>
#include <unistd.h>

#include "agent/host/fake/fake_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using Paths = std::vector<std::string>;

struct World {
  FakeFiles files;
  Paths warnings;

  World() {
    files.SetDirectory("/new/etc");
    files.SetDirectory("/etc");
  }
  absl::StatusOr<Paths> Preserve(const std::string& path) {
    return PreservePath(files, "/", "/new", path,
                        [this](std::string_view message) { warnings.emplace_back(message); });
  }
};

}  // namespace

TEST_CASE("what lies on a volume pair is preserved, what both volumes use is not") {
  HostConfiguration configuration;
  configuration.storage.ab_update = AbUpdate{{{"root", "a", "b"}, {"var", "va", "vb"}}};
  configuration.storage.mount_points = {{"/", "ext4", {}, "root"},
                                        {"/srv", "ext4", {}, "data"},
                                        {"/var", "ext4", {}, "var"},
                                        {"/var/lib/systemd", "ext4", {}, "shared"},
                                        {"none", "swap", {}, "swap"}};
  configuration.osconfig.preserve = {"/etc//site", "/srv/x", "/var/cache/x", "/etc/machine-id",
                                     "/srvs"};
  CHECK(PathsToPreserve(configuration) ==
        Paths{"/etc/machine-id", "/etc/ssh/ssh_host_*", "/etc/site", "/var/cache/x", "/srvs"});
  CHECK(PathsToPreserve(HostConfiguration()).empty());
}

TEST_CASE("files, links and folders are copied with modes and owners") {
  World world;
  world.files.SetFile("/etc/site/deep/key", "secret", 0600);
  world.files.SetOwner("/etc/site/deep/key", 33);
  world.files.SetLink("/etc/site/link", "deep/key");
  world.files.SetDirectory("/etc/site/empty", 0711);
  world.files.SetFile("/new/etc/site/own", "of the image");
  const auto conflicts = world.Preserve("/etc/site");
  REQUIRE_OK(conflicts);
  CHECK(conflicts->empty());
  CHECK(world.files.Get("/new/etc/site/deep/key") == "secret");
  CHECK(world.files.Facts("/new/etc/site/deep/key")->mode == 0600);
  CHECK(world.files.Facts("/new/etc/site/deep/key")->owner == 33);
  CHECK(*world.files.ReadLink("/new/etc/site/link") == "deep/key");
  CHECK(world.files.ModeOf("/new/etc/site/empty") == 0711);
  CHECK(world.files.Get("/new/etc/site/own") == "of the image");
}

TEST_CASE("the folders on the way are made as they are in the old system") {
  World world;
  world.files.SetDirectory("/var/lib/private", 0700);
  world.files.SetFile("/var/lib/private/state", "x");
  REQUIRE_OK(world.Preserve("/var/lib/private/state"));
  CHECK(world.files.Get("/new/var/lib/private/state") == "x");
  CHECK(world.files.ModeOf("/new/var/lib/private") == 0700);
}

TEST_CASE("what the image brings with another content is a conflict; what is kept wins") {
  struct Case {
    const char* name;
    const char* path;
    const char* ours;
    const char* theirs;
    bool conflict;
  };
  const Case cases[] = {
      {"another content", "/etc/f", "ours", "else", true},
      {"another length", "/etc/f", "ours", "longer", true},
      {"the same content", "/etc/f", "ours", "ours", false},
      {"an empty file", "/etc/f", "ours", "", false},
      {"an image without a machine id", "/etc/machine-id", "0123", "uninitialized\n", false},
      {"the word elsewhere", "/etc/f", "0123", "uninitialized\n", true},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    World world;
    world.files.SetFile(c.path, c.ours);
    world.files.SetFile(std::string("/new") + c.path, c.theirs);
    const auto conflicts = world.Preserve(c.path);
    REQUIRE_OK(conflicts);
    CHECK(*conflicts == (c.conflict ? Paths{c.path} : Paths{}));
    CHECK(world.files.Get(std::string("/new") + c.path) == c.ours);
    CHECK(world.Preserve(c.path)->empty());
  }
}

TEST_CASE("a folder and a file do not replace each other") {
  World world;
  world.files.SetFile("/etc/a", "x");
  world.files.SetDirectory("/new/etc/a");
  REQUIRE_ERROR(world.Preserve("/etc/a"), absl::StatusCode::kFailedPrecondition, "/etc/a");
}

TEST_CASE("a wildcard takes what matches, and nothing is no error") {
  World world;
  for (const char* name : {"ssh_host_rsa_key", "ssh_host_rsa_key.pub", "sshd_config"}) {
    world.files.SetFile(std::string("/etc/ssh/") + name, name);
  }
  REQUIRE_OK(world.Preserve("/etc/ssh/ssh_host_*"));
  CHECK(*world.files.List("/new/etc/ssh") == Paths{"ssh_host_rsa_key", "ssh_host_rsa_key.pub"});
  REQUIRE_OK(world.Preserve("/etc/none/*"));
  REQUIRE_OK(world.Preserve("/etc/none"));
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Case cases[] = {{"a*", "a", true},        {"a*", "ab", true},      {"a*", "ba", false},
                        {"*.key", "x.key", true}, {"*.key", ".key", true}, {"*.key", "key", false},
                        {"a*b*c", "axbyc", true}, {"a*b*c", "acb", false}, {"ab*ba", "aba", false},
                        {"a", "a", true},         {"a", "ab", false},      {"*", "x", true}};
  for (const Case& c : cases) {
    INFO(c.pattern << " " << c.name);
    CHECK(MatchesWildcard(c.pattern, c.name) == c.matches);
  }
}

TEST_CASE("nothing leaves the new root through a link of the image") {
  World world;
  world.files.SetFile("/etc/ssh/ssh_host_key", "ours");
  world.files.SetDirectory("/elsewhere");
  world.files.SetDirectory("/new/elsewhere");
  world.files.SetLink("/new/etc/ssh", "/elsewhere");
  REQUIRE_OK(world.Preserve("/etc/ssh/ssh_host_key"));
  CHECK(world.files.Get("/new/elsewhere/ssh_host_key") == "ours");
  CHECK_FALSE(world.files.Exists("/elsewhere/ssh_host_key"));
}

TEST_CASE("on real files, what is no file is left out with a word") {
  const test::TemporaryDirectory directory;
  const auto files = MakeLinuxFiles();
  const std::string from = directory / "old";
  const std::string to = directory / "new";
  REQUIRE_OK(files->MakeDirectories(from + "/etc/site", 0750));
  REQUIRE_OK(files->MakeDirectories(to, 0755));
  REQUIRE_OK(files->Write(from + "/etc/site/a", "x", 0604));
  REQUIRE(mkfifo((from + "/etc/site/fifo").c_str(), 0600) == 0);
  Paths warnings;
  const auto conflicts = PreservePath(*files, from, to, "/etc/site", [&](std::string_view message) {
    warnings.emplace_back(message);
  });
  REQUIRE_OK(conflicts);
  CHECK(test::ReadFile(to + "/etc/site/a") == "x");
  CHECK(files->Facts(to + "/etc/site/a")->mode == 0604);
  CHECK(files->Facts(to + "/etc/site")->mode == 0750);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("/etc/site/fifo"));
}

}  // namespace trident
