// The real useradd, usermod, groupadd, gpasswd, chpasswd and systemctl on a small real root.
#include <memory>
#include <string>

#include "agent/osconfig/os_configurator.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using Catch::Matchers::Contains;

// The programs with their libraries, and account files that know only root.
constexpr char kMakeRoot[] = R"(
set -e
root=$1
mkdir -p $root/etc/default $root/etc/skel $root/root $root/home $root/tmp $root/dev $root/var/log \
  $root/etc/ssh $root/etc/systemd/system $root/usr/lib/systemd/system \
  $root/usr/share/zoneinfo/Etc
touch $root/dev/null $root/usr/share/zoneinfo/Etc/UTC
for program in useradd usermod groupadd gpasswd chpasswd sh; do
  file=$(command -v $program)
  install -D $file $root$file
  ldd $file | grep -o '/[^ ]*' | while read library; do install -D $library $root$library; done
done
[ -e $root/bin/sh ] || install -D $(command -v sh) $root/bin/sh
cp /etc/login.defs $root/etc/
echo root:x:0:0:root:/root:/bin/sh >$root/etc/passwd
printf 'root:x:0:\nsudo:x:27:\n' >$root/etc/group
(umask 027; echo 'root::19000:0:99999:7:::' >$root/etc/shadow; printf 'root:*::\nsudo:*::\n' >$root/etc/gshadow)
echo 'Port 22' >$root/etc/ssh/sshd_config
echo 127.0.0.1 localhost >$root/etc/hosts
printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' \
  >$root/usr/lib/systemd/system/site.service
)";

class RealRoot {
 public:
  RealRoot() {
    Command command;
    command.argv = {"sh", "-c", kMakeRoot, "sh", folder.path()};
    REQUIRE_OK(commands->RunChecked(command));
  }

  absl::Status Configure(const OsConfig& desired, const EarlierOs& earlier) {
    const Cancellation cancellation;
    TargetSystem system = TargetSystem::NewRoot(
        *files, *commands, folder.path(),
        {[](std::string_view) {}, [this](std::string_view m) { warnings.emplace_back(m); }},
        cancellation);
    return ConfigureOs(system, desired, earlier);
  }
  std::string Read(const std::string& path) const { return test::ReadFile(folder.path() + path); }
  FileFacts Facts(const std::string& path) const { return *files->Facts(folder.path() + path); }

  test::TemporaryDirectory folder;
  std::unique_ptr<Files> files = MakeLinuxFiles();
  std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  std::vector<std::string> warnings;
};

OsConfig Desired() {
  OsConfig os;
  User& user = os.users.emplace_back();
  user.name = "operator";
  user.groups = {"sudo", "site"};
  user.ssh_keys = {"ssh-ed25519 AAAA one"};
  user.ssh_mode = SshMode::kKeyOnly;
  User& guest = os.users.emplace_back();
  guest.name = "guest";
  guest.password = {PasswordMode::kDangerousPlainText, "correct: horse"};
  User& hashed = os.users.emplace_back();
  hashed.name = "hashed";
  hashed.password = {PasswordMode::kDangerousHashed, "$6$salt$hash"};
  os.users.emplace_back().name = "root";
  os.hostname = "node-1";
  os.timezone = "Etc/UTC";
  os.services.enable = {"site"};
  return os;
}

}  // namespace

TEST_CASE("the real tools make the accounts, once") {
  RealRoot root;
  REQUIRE_OK(root.Configure(Desired(), {}));
  CHECK_THAT(root.Read("/etc/passwd"), Contains("operator:x:1000:1000::/home/operator:/bin/"));
  CHECK_THAT(root.Read("/etc/group"),
             Contains("sudo:x:27:operator\n") && Contains(":operator\n") && Contains("site:x:"));
  const std::string shadow = root.Read("/etc/shadow");
  CHECK_THAT(shadow, Contains("operator:*:") && Contains("root:*:") &&
                         Contains("hashed:$6$salt$hash:") && Contains("guest:$6$") &&
                         !Contains("horse"));
  const FileFacts keys = root.Facts("/home/operator/.ssh/authorized_keys");
  CHECK(keys.mode == 0600);
  CHECK(keys.owner == 1000);
  CHECK(keys.group == 1000);
  CHECK(root.Facts("/home/operator/.ssh").mode == 0700);
  CHECK(root.Facts("/home/operator").owner == 1000);
  CHECK_THAT(root.Read("/etc/ssh/sshd_config.d/global_user.conf"),
             Contains("AllowUsers operator\n"));
  CHECK(root.Facts("/etc/systemd/system/multi-user.target.wants/site.service").type ==
        FileFacts::Type::kLink);
  CHECK(root.Read("/etc/hostname") == "node-1\n");

  // Again: a plain password is hashed anew, nothing else changes.
  OsConfig again = Desired();
  again.users.erase(again.users.begin() + 1);
  EarlierOs earlier;
  REQUIRE_OK(root.Configure(again, earlier));
  CHECK(root.Read("/etc/shadow") == shadow);
}

TEST_CASE("the real tools keep the numbers of a user, and take groups away") {
  RealRoot root;
  EarlierOs earlier;
  earlier.accounts = {{"operator", 1234, 2345, "/home/operator", "/bin/sh"}};
  earlier.groups = {{"operator", 2345, {}}, {"site", 3456, {"operator"}}};
  REQUIRE_OK(root.Configure(Desired(), earlier));
  CHECK_THAT(root.Read("/etc/passwd"), Contains("operator:x:1234:2345:"));
  CHECK_THAT(root.Read("/etc/group"), Contains("site:x:3456:operator\n"));
  CHECK(root.Facts("/home/operator/.ssh/authorized_keys").owner == 1234);
  CHECK(root.warnings.empty());

  OsConfig fewer = Desired();
  fewer.users[0].groups = {"site"};
  earlier.configuration = Desired();
  REQUIRE_OK(root.Configure(fewer, earlier));
  CHECK_THAT(root.Read("/etc/group"), Contains("sudo:x:27:\n"));
}

TEST_CASE("what systemctl says about a unit that is not there is told") {
  RealRoot root;
  OsConfig os;
  os.services.enable = {"nowhere"};
  REQUIRE_ERROR(root.Configure(os, {}), absl::StatusCode::kFailedPrecondition,
                "cannot enable the unit 'nowhere'");
}

}  // namespace trident
