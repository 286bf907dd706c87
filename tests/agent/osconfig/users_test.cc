#include "agent/osconfig/users.h"

#include "agent/osconfig/ssh_access.h"
#include "tests/agent/osconfig/os_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Catch::Matchers::Contains;
using test::OsWorld;

User Operator() {
  User user;
  user.name = "operator";
  user.groups = {"sudo", "site"};
  user.ssh_keys = {"ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"};
  user.ssh_mode = SshMode::kKeyOnly;
  return user;
}

}  // namespace

TEST_CASE("a user is made with groups and keys, in a new root and in the running system") {
  for (const char* root : {"/new", ""}) {
    INFO("root '" << root << "'");
    OsWorld world(root);
    REQUIRE_OK(ConfigureUsers(world.system(), {Operator()}, {}));
    CHECK(world.Ran("useradd") ==
          std::vector<std::string>{"useradd --create-home --home-dir /home/operator --shell "
                                   "/bin/bash --user-group operator"});
    CHECK_THAT(world.Get("/etc/group"),
               Contains("sudo:x:27:operator\n") && Contains("site:x:1001:operator\n"));
    CHECK_THAT(world.Get("/etc/shadow"), Contains("operator:*:"));
    CHECK(world.Get("/home/operator/.ssh/authorized_keys") ==
          "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n");
    const auto keys = world.files.Facts(world.Path("/home/operator/.ssh/authorized_keys"));
    CHECK(keys->mode == 0600);
    CHECK(keys->owner == 1000);
    const auto folder = world.files.Facts(world.Path("/home/operator/.ssh"));
    CHECK(folder->mode == 0700);
    CHECK(folder->owner == 1000);

    const size_t ran = world.commands.commands().size();
    const int changes = world.files.changes();
    REQUIRE_OK(ConfigureUsers(world.system(), {Operator()}, {}));
    CHECK(world.commands.commands().size() == ran);
    CHECK(world.files.changes() == changes);
  }
}

TEST_CASE("root is not made, but gets its password and its keys") {
  OsWorld world("/new");
  User root;
  root.name = "root";
  root.ssh_keys = {"ssh-ed25519 AAAA root"};
  REQUIRE_OK(ConfigureUsers(world.system(), {root}, {}));
  CHECK(world.Ran("useradd").empty());
  CHECK_THAT(world.Get("/etc/shadow"), Contains("root:*:"));
  CHECK(world.Get("/root/.ssh/authorized_keys") == "ssh-ed25519 AAAA root\n");
}

TEST_CASE("passwords go to standard input, never on a command line, and are not set twice") {
  OsWorld world("/new");
  User hashed = Operator();
  hashed.password = {PasswordMode::kDangerousHashed, "$6$salt$hash"};
  User plain;
  plain.name = "guest";
  plain.password = {PasswordMode::kDangerousPlainText, "pass: word"};
  REQUIRE_OK(ConfigureUsers(world.system(), {hashed, plain}, {}));
  CHECK(world.passwords ==
        std::vector<std::string>{"chpasswd --encrypted < operator:$6$salt$hash\n",
                                 "chpasswd --crypt-method SHA512 < guest:pass: word\n"});
  for (const std::string& line : world.commands.command_lines()) {
    CHECK_THAT(line, !Contains("hash") && !Contains("pass: word"));
  }
  for (const std::string& line : world.infos) CHECK_THAT(line, !Contains("hash"));
  REQUIRE_OK(ConfigureUsers(world.system(), {hashed}, {}));
  CHECK(world.passwords.size() == 2);
}

TEST_CASE("a plain password of the running system is set only when the document changed it") {
  OsWorld world("");
  User guest;
  guest.name = "guest";
  guest.password = {PasswordMode::kDangerousPlainText, "one"};
  REQUIRE_OK(ConfigureUsers(world.system(), {guest}, {}));
  REQUIRE_OK(
      ConfigureUsers(world.system(), {guest}, {.users = {guest}, .accounts = {}, .groups = {}}));
  CHECK(world.passwords.size() == 1);
  User changed = guest;
  changed.password.value = "two";
  REQUIRE_OK(
      ConfigureUsers(world.system(), {changed}, {.users = {guest}, .accounts = {}, .groups = {}}));
  CHECK(world.passwords.size() == 2);
}

TEST_CASE("what the document takes back goes: groups and keys, but not those of others") {
  OsWorld world("");
  REQUIRE_OK(ConfigureUsers(world.system(), {Operator()}, {}));
  world.Set("/etc/group", world.Get("/etc/group") + "manual:x:2000:operator\n");
  User fewer = Operator();
  fewer.groups = {"site"};
  fewer.ssh_keys.clear();
  REQUIRE_OK(ConfigureUsers(world.system(), {fewer},
                            {.users = {Operator()}, .accounts = {}, .groups = {}}));
  CHECK_THAT(world.Get("/etc/group"), Contains("sudo:x:27:\n") &&
                                          Contains("site:x:1001:operator\n") &&
                                          Contains("manual:x:2000:operator\n"));
  CHECK(world.Get("/home/operator/.ssh/authorized_keys") == "(none)");
  // Keys that no document set are not the agent's to remove.
  world.Set("/home/operator/.ssh/authorized_keys", "own\n");
  REQUIRE_OK(
      ConfigureUsers(world.system(), {fewer}, {.users = {fewer}, .accounts = {}, .groups = {}}));
  CHECK(world.Get("/home/operator/.ssh/authorized_keys") == "own\n");
}

TEST_CASE("users and groups keep their numbers when the system under them is replaced") {
  OsWorld world("/new");
  EarlierUsers earlier;
  earlier.accounts = {{"operator", 1007, 1008, "/home/operator", "/bin/bash"}};
  earlier.groups = {{"operator", 1008, {}}, {"site", 3000, {"operator"}}};
  REQUIRE_OK(ConfigureUsers(world.system(), {Operator()}, earlier));
  CHECK_THAT(world.Get("/etc/passwd"), Contains("operator:x:1007:1008:"));
  CHECK_THAT(world.Get("/etc/group"),
             Contains("operator:x:1008:") && Contains("site:x:3000:operator"));
  CHECK(world.warnings.empty());
}

TEST_CASE("numbers that the new system has for others are told") {
  OsWorld world("/new");
  EarlierUsers earlier;
  earlier.accounts = {{"operator", 1, 100, "/home/operator", "/bin/bash"}};
  earlier.groups = {{"site", 27, {}}};
  REQUIRE_OK(ConfigureUsers(world.system(), {Operator()}, earlier));
  REQUIRE(world.warnings.size() == 2);
  CHECK_THAT(world.warnings[0], Contains("which belongs to daemon"));
  CHECK_THAT(world.warnings[1], Contains("group site cannot keep its number 27"));
}

TEST_CASE("a user of the running system is gone again when the change is undone") {
  OsWorld world("");
  const std::string passwd = world.Get("/etc/passwd");
  const std::string group = world.Get("/etc/group");
  const std::string shadow = world.Get("/etc/shadow");
  REQUIRE_OK(ConfigureUsers(world.system(), {Operator()}, {}));
  REQUIRE_OK(world.undo().Undo("/dev/vda2"));
  CHECK(world.Get("/etc/passwd") == passwd);
  CHECK(world.Get("/etc/group") == group);
  CHECK(world.Get("/etc/shadow") == shadow);
  CHECK(world.files.ModeOf("/etc/shadow") == 0640);
  CHECK_FALSE(world.files.Exists("/home/operator"));
}

TEST_CASE("a user's .ssh that is a link is not followed") {
  OsWorld world("");
  REQUIRE_OK(ConfigureUsers(world.system(), {test::UserNamed("operator")}, {}));
  world.files.SetLink("/home/operator/.ssh", "/etc");
  REQUIRE_ERROR(ConfigureUsers(world.system(), {Operator()}, {}),
                absl::StatusCode::kFailedPrecondition, "/home/operator/.ssh is no folder");
  CHECK_FALSE(world.files.Exists("/etc/authorized_keys"));
}

TEST_CASE("an image without the tools is told what it lacks") {
  FakeFiles files;
  FakeCommandRunner commands;
  files.SetFile("/new/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  const Cancellation cancellation;
  TargetSystem system = TargetSystem::NewRoot(
      files, commands, "/new", {[](std::string_view) {}, [](std::string_view) {}}, cancellation);
  REQUIRE_ERROR(ConfigureUsers(system, {test::UserNamed("operator")}, {}),
                absl::StatusCode::kFailedPrecondition, "the system has no program useradd");
}

TEST_CASE("the rules of sshd say who may log in, and how") {
  const auto user = [](const char* name, SshMode mode) {
    User user;
    user.name = name;
    user.ssh_mode = mode;
    return user;
  };
  constexpr char kAlways[] =
      "# Written by the agent from osconfig.users of the Host Configuration.\n"
      "PasswordAuthentication no\nKbdInteractiveAuthentication no\n";
  struct Case {
    const char* name;
    std::vector<User> users;
    std::string rules;
  };
  const Case cases[] = {
      {"nobody", {user("a", SshMode::kBlock)}, "DenyUsers *\n"},
      {"by key",
       {user("a", SshMode::kKeyOnly), user("b", SshMode::kBlock), user("c", SshMode::kKeyOnly)},
       "AllowUsers a c\n"},
      {"root by key",
       {user("root", SshMode::kKeyOnly)},
       "PermitRootLogin prohibit-password\nAllowUsers root\n"},
      {"not root",
       {user("root", SshMode::kBlock), user("a", SshMode::kKeyOnly)},
       "PermitRootLogin no\nAllowUsers a\n"},
      {"with passwords",
       {user("root", SshMode::kDangerousAllowPassword),
        user("a", SshMode::kDangerousAllowPassword)},
       "PermitRootLogin yes\nAllowUsers root a\nMatch User root,a\n  PasswordAuthentication yes\n"
       "  KbdInteractiveAuthentication yes\n"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(MakeSshdUserRules(c.users) == kAlways + c.rules);
  }
}

TEST_CASE("sshd reads the rules before everything else, and takes them when it runs") {
  OsWorld world("");
  world.Set(kSshdConfig, "Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n", 0600);
  world.commands.OnOutput({"sshd", "-t"}, "");
  world.active.insert("ssh.service");
  REQUIRE_OK(ConfigureSshAccess(world.system(), {Operator()}, false));
  CHECK_THAT(world.Get(kSshdConfig),
             Contains("\nInclude /etc/ssh/sshd_config.d/global_user.conf\nInclude "
                      "/etc/ssh/sshd_config.d/*.conf\nPort"));
  CHECK(world.files.ModeOf(kSshdConfig) == 0600);
  CHECK_THAT(world.Get(kSshdUserRules), Contains("AllowUsers operator"));
  CHECK(world.Ran("systemctl --no-ask-password reload").size() == 1);
  world.commands.Forget();
  REQUIRE_OK(ConfigureSshAccess(world.system(), {Operator()}, true));
  CHECK(world.Ran("systemctl --no-ask-password reload").empty());
  // Without users the rules go; the first of all documents without users changes nothing.
  REQUIRE_OK(ConfigureSshAccess(world.system(), {}, true));
  CHECK(world.Get(kSshdUserRules) == "(none)");
}

TEST_CASE("a configuration that sshd does not take is undone, and sshd told") {
  OsWorld world("");
  world.Set(kSshdConfig, "Port 22\n");
  world.active.insert("sshd.service");
  world.commands.On({"sshd", "-t"}, CommandResult{255, "", "bad line 3"});
  REQUIRE_ERROR(ConfigureSshAccess(world.system(), {Operator()}, false),
                absl::StatusCode::kInternal, "bad line 3");
  CHECK(world.Ran("systemctl --no-ask-password reload").empty());
  REQUIRE_OK(world.undo().Undo("/dev/vda2"));
  CHECK(world.Get(kSshdConfig) == "Port 22\n");
  CHECK(world.Ran("systemctl --no-ask-password reload").size() == 1);
}

TEST_CASE("without an SSH server nobody can be let in") {
  OsWorld world("/new");
  REQUIRE_ERROR(ConfigureSshAccess(world.system(), {Operator()}, false),
                absl::StatusCode::kFailedPrecondition, "operator");
  User blocked = Operator();
  blocked.ssh_mode = SshMode::kBlock;
  REQUIRE_OK(ConfigureSshAccess(world.system(), {blocked}, false));
  CHECK(world.warnings.size() == 1);
  REQUIRE_OK(ConfigureSshAccess(world.system(), {}, false));
}

TEST_CASE("account files are read as the C library reads them") {
  const std::vector<Account> accounts =
      ParsePasswd("root:x:0:0:root:/root:/bin/sh\n\nbroken:x:1\n+nis\nbad:x:a:0::/:/bin/sh\n");
  REQUIRE(accounts.size() == 1);
  CHECK(accounts[0] == Account{"root", 0, 0, "/root", "/bin/sh"});
  const std::vector<Group> groups = ParseGroups("a:x:1:\nb:x:2:u,v\nbroken\n");
  REQUIRE(groups.size() == 2);
  CHECK(groups[1].members == std::vector<std::string>{"u", "v"});
  CHECK(ShadowPassword("a:*:1\nab:$6$x:1\n", "ab") == "$6$x");
  CHECK(ShadowPassword("a:*:1\n", "b").empty());
}

}  // namespace trident
