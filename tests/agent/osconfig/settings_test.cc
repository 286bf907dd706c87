#include "agent/osconfig/settings.h"

#include "agent/osconfig/os_configurator.h"
#include "agent/osconfig/services.h"
#include "tests/agent/osconfig/os_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Catch::Matchers::Contains;
using test::OsWorld;

}  // namespace

TEST_CASE("a host name is written; the running kernel gets it, and the old one back") {
  OsWorld fresh("/new");
  REQUIRE_OK(SetHostname(fresh.system(), "node-1.example.org"));
  CHECK(fresh.Get("/etc/hostname") == "node-1.example.org\n");
  CHECK(fresh.Get("/etc/hosts") == "127.0.0.1\tlocalhost\n127.0.1.1\tnode-1.example.org node-1\n");
  CHECK(fresh.Ran("hostname").empty());

  OsWorld world("");
  world.Set("/etc/hostname", "old\n");
  world.Set("/etc/hosts", "127.0.0.1 localhost\n");
  world.Set("/proc/sys/kernel/hostname", "old\n");
  world.commands.OnOutput({"hostname"}, "");
  REQUIRE_OK(SetHostname(world.system(), "new"));
  CHECK(world.Get("/etc/hostname") == "new\n");
  REQUIRE_OK(world.undo().Undo("/dev/vda2"));
  CHECK(world.Get("/etc/hostname") == "old\n");
  CHECK(world.Get("/etc/hosts") == "127.0.0.1 localhost\n");
  CHECK(world.Ran("hostname") == std::vector<std::string>{"hostname new", "hostname old"});
}

TEST_CASE("the system's own line in hosts is replaced, others stay") {
  CHECK(SetOwnHostLine("127.0.0.1 localhost\n127.0.1.1 old old.site\n::1 localhost\n", "n") ==
        "127.0.0.1 localhost\n127.0.1.1\tn\n::1 localhost\n");
  CHECK(SetOwnHostLine("127.0.1.10 x\n# 127.0.1.1 y", "n") ==
        "127.0.1.10 x\n# 127.0.1.1 y\n127.0.1.1\tn\n");
  const std::string once = SetOwnHostLine("127.0.1.1 a\n127.0.1.1 b\n", "n.d");
  CHECK(once == "127.0.1.1\tn.d n\n");
  CHECK(SetOwnHostLine(once, "n.d") == once);
}

TEST_CASE("a time zone is linked when the system knows it") {
  OsWorld world("/new");
  world.Set("/usr/share/zoneinfo/Europe/Oslo", "TZif");
  world.Set("/etc/timezone", "Etc/UTC\n");
  world.files.SetLink("/new/etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
  REQUIRE_OK(SetTimezone(world.system(), "Europe/Oslo"));
  CHECK(*world.files.ReadLink("/new/etc/localtime") == "../usr/share/zoneinfo/Europe/Oslo");
  CHECK(world.Get("/etc/timezone") == "Europe/Oslo\n");
  REQUIRE_ERROR(SetTimezone(world.system(), "Mars/Olympus"), absl::StatusCode::kFailedPrecondition,
                "/usr/share/zoneinfo/Mars/Olympus");
}

TEST_CASE("modules are listed for the boot; the running system loads them at once") {
  OsWorld world("");
  world.commands.OnOutput({"modprobe"}, "");
  REQUIRE_OK(SetModules(world.system(), {"br_netfilter", "dummy"}));
  CHECK_THAT(world.Get(kModulesFile), Contains("\nbr_netfilter\ndummy\n"));
  CHECK(world.Ran("modprobe") ==
        std::vector<std::string>{"modprobe br_netfilter", "modprobe dummy"});
  REQUIRE_OK(SetModules(world.system(), {}));
  CHECK(world.Get(kModulesFile) == "(none)");
  world.commands.On({"modprobe"}, CommandResult{1, "", "Module x not found"});
  REQUIRE_ERROR(SetModules(world.system(), {"x"}), absl::StatusCode::kInternal,
                "Module x not found");
}

TEST_CASE("the mode of SELinux is set where there is SELinux") {
  OsWorld world("/new");
  REQUIRE_ERROR(SetSelinuxMode(world.system(), SelinuxMode::kEnforcing),
                absl::StatusCode::kFailedPrecondition, "osconfig.selinux.mode");
  world.Set(kSelinuxConfig, "# SELINUX= one of\nSELINUX=disabled\nSELINUXTYPE=default\n", 0640);
  REQUIRE_OK(SetSelinuxMode(world.system(), SelinuxMode::kEnforcing));
  CHECK(world.Get(kSelinuxConfig) == "# SELINUX= one of\nSELINUX=enforcing\nSELINUXTYPE=default\n");
  CHECK(world.files.ModeOf(world.Path(kSelinuxConfig)) == 0640);

  REQUIRE_OK(LabelFiles(world.system()));
  CHECK(world.warnings.size() == 1);
  world.Set("/usr/sbin/setfiles", "");
  world.Set("/etc/selinux/default/contexts/files/file_contexts", "");
  world.commands.OnOutput({"setfiles"}, "");
  REQUIRE_OK(LabelFiles(world.system()));
  CHECK(world.warnings.size() == 1);
  CHECK(world.Ran("setfiles") ==
        std::vector<std::string>{
            "setfiles -F -m /etc/selinux/default/contexts/files/file_contexts /"});

  // A kernel that was started with audit=0 is no reason to fail; a file without a label is.
  CommandResult result{.exit_status = 255, .output = "", .error_output = ""};
  world.commands.On({"setfiles"}, [&result](const Command&) { return result; });
  result.error_output = "Error connecting to audit system.\n";
  REQUIRE_OK(LabelFiles(world.system()));
  result.error_output =
      "setfiles: Could not set context for /etc: No space left\n" + result.error_output;
  REQUIRE_ERROR(LabelFiles(world.system()), absl::StatusCode::kInternal, "No space left");
}

TEST_CASE("files are written with their folders and permissions, from the text or from a file") {
  OsWorld world("/new");
  world.files.SetFile("/opt/site/tool", "#!/bin/sh\n", 0750);
  AdditionalFile text;
  text.destination = "/etc/site/site.conf";
  text.content = "a: b\n";
  AdditionalFile tool;
  tool.destination = "/usr/local/bin/tool";
  tool.source = "/opt/site/tool";
  AdditionalFile hidden = text;
  hidden.destination = "/etc/site/secret";
  hidden.permissions = "0600";
  REQUIRE_OK(WriteAdditionalFiles(world.system(), {text, tool, hidden}));
  CHECK(world.Get("/etc/site/site.conf") == "a: b\n");
  CHECK(world.files.ModeOf("/new/etc/site/site.conf") == 0644);
  CHECK(world.files.ModeOf("/new/usr/local/bin/tool") == 0750);
  CHECK(world.files.ModeOf("/new/etc/site/secret") == 0600);
  const int changes = world.files.changes();
  REQUIRE_OK(WriteAdditionalFiles(world.system(), {text, tool, hidden}));
  CHECK(world.files.changes() == changes);
  tool.source = "/opt/site/none";
  REQUIRE_ERROR(WriteAdditionalFiles(world.system(), {tool}), absl::StatusCode::kNotFound,
                "read the file for /usr/local/bin/tool");
}

TEST_CASE("a file does not leave the new root through a link") {
  OsWorld world("/new");
  world.files.SetDirectory("/etc/real");
  world.files.SetDirectory("/new/etc/real");
  world.files.SetLink("/new/etc/site", "/etc/real");
  AdditionalFile file;
  file.destination = "/etc/site/f";
  file.content = "x";
  REQUIRE_OK(WriteAdditionalFiles(world.system(), {file}));
  CHECK(world.files.Get("/new/etc/real/f") == "x");
  CHECK_FALSE(world.files.Exists("/etc/real/f"));
}

TEST_CASE("a unit that is written into the running system is read, and forgotten when undone") {
  OsWorld world("");
  AdditionalFile unit;
  unit.destination = "/etc/systemd/system/site.service";
  unit.content = "[Service]\n";
  REQUIRE_OK(WriteAdditionalFiles(world.system(), {unit}));
  CHECK(world.Ran("systemctl daemon-reload").size() == 1);
  REQUIRE_OK(world.undo().Undo("/dev/vda2"));
  CHECK(world.Get("/etc/systemd/system/site.service") == "(none)");
  CHECK(world.Ran("systemctl daemon-reload").size() == 2);
}

TEST_CASE("services of a new root are enabled and disabled on its files") {
  OsWorld world("/new");
  world.enabled = {"old"};
  REQUIRE_OK(ConfigureServices(world.system(), {.enable = {"a"}, .disable = {"old"}}, {}));
  CHECK(world.enabled == std::set<std::string>{"a"});
  CHECK(world.active.empty());
  REQUIRE_ERROR(ConfigureServices(world.system(), {.enable = {"missing"}, .disable = {}}, {}),
                absl::StatusCode::kFailedPrecondition,
                "cannot enable the unit 'missing': Unit missing.service does not exist.");
}

TEST_CASE("services of the running system are started and stopped, too, and set back when undone") {
  OsWorld world("");
  world.enabled = {"old", "kept"};
  world.active = {"old", "kept"};
  const Services desired = {.enable = {"a", "kept"}, .disable = {"old"}};
  REQUIRE_OK(ConfigureServices(world.system(), desired, {}));
  CHECK(world.enabled == std::set<std::string>{"a", "kept"});
  CHECK(world.active == std::set<std::string>{"a", "kept"});
  // The step runs again after a restart.
  REQUIRE_OK(ConfigureServices(world.system(), desired, {}));
  REQUIRE_OK(world.undo().Undo("/dev/vda2"));
  CHECK(world.enabled == std::set<std::string>{"old", "kept"});
  CHECK(world.active == std::set<std::string>{"old", "kept"});
}

TEST_CASE("a service that the document had before is left as it is") {
  OsWorld world("");
  const Services services = {.enable = {"stopped-by-hand"}, .disable = {"started-by-hand"}};
  world.active = {"started-by-hand"};
  REQUIRE_OK(ConfigureServices(world.system(), services, services));
  CHECK(world.active == std::set<std::string>{"started-by-hand"});
  CHECK(world.commands.commands().empty());
}

TEST_CASE("everything together is applied, and a failure at the end is undone to the beginning") {
  OsWorld world("");
  world.Set("/proc/sys/kernel/hostname", "old\n");
  world.commands.OnOutput({"hostname"}, "");
  const std::vector<std::string> before = world.files.AllFiles();
  OsConfig desired;
  desired.users.emplace_back().name = "operator";
  desired.users[0].ssh_keys = {"ssh-ed25519 AAAA k"};
  desired.hostname = "new";
  desired.additional_files.push_back({"/srv/deep/file", "x", std::nullopt, std::nullopt});
  desired.services.enable = {"good", "missing"};
  REQUIRE_ERROR(ConfigureOs(world.system(), desired, {}), absl::StatusCode::kFailedPrecondition,
                "'missing'");
  CHECK(world.Get("/srv/deep/file") == "x");
  CHECK(world.active == std::set<std::string>{"good"});
  REQUIRE_OK(world.undo().Undo("/dev/vda2"));
  CHECK(world.active.empty());
  CHECK(world.enabled.empty());
  std::vector<std::string> after = world.files.AllFiles();
  std::erase(after, "/var/lib/trident/undo/journal.json");
  std::vector<std::string> expected = before;
  std::erase(expected, "/var/lib/trident/undo/journal.json");
  CHECK(after == expected);
  CHECK_FALSE(world.files.Exists("/srv"));
}

TEST_CASE("what earlier documents set up and this one has not is drift") {
  OsConfig earlier;
  earlier.users = {test::UserNamed("root"), test::UserNamed("a"), test::UserNamed("b")};
  earlier.additional_files = {{"/etc/x", "", std::nullopt, std::nullopt}};
  OsConfig desired;
  desired.users = {test::UserNamed("b"), test::UserNamed("back")};
  const Drift drift = FindDrift(desired, earlier, {{"old", "back"}, {"/etc/w"}});
  CHECK(drift.users == std::vector<std::string>{"a", "old"});
  CHECK(drift.files == std::vector<std::string>{"/etc/w", "/etc/x"});
}

}  // namespace trident
