#include "agent/osconfig/users.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr char kRoot[] = "root";
// No password has this hash. Not "!": without PAM sshd takes that for an account that is locked
// altogether, and refuses keys, too.
constexpr char kNoPassword[] = "*";

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

class Configurator {
 public:
  Configurator(TargetSystem& system, const EarlierUsers& earlier)
      : system_(system), earlier_(earlier) {}

  absl::Status Configure(const User& user) {
    TRIDENT_RETURN_IF_ERROR(Load());
    if (FindAccount(accounts_, user.name) == nullptr) {
      if (user.name == kRoot) {
        return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-root-user",
                         "the system has no user root in /etc/passwd", "Correct the image.");
      }
      TRIDENT_RETURN_IF_ERROR(MakeUser(user));
    }
    TRIDENT_RETURN_IF_ERROR(SetGroups(user));
    TRIDENT_RETURN_IF_ERROR(SetPassword(user));
    return SetKeys(user);
  }

 private:
  absl::Status Load() {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> passwd, system_.Read("/etc/passwd"));
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> groups, system_.Read("/etc/group"));
    accounts_ = ParsePasswd(passwd.value_or(""));
    groups_ = ParseGroups(groups.value_or(""));
    return absl::OkStatus();
  }

  const User* EarlierUser(const std::string& name) const {
    const auto found = std::find_if(earlier_.users.begin(), earlier_.users.end(),
                                    [&](const User& user) { return user.name == name; });
    return found == earlier_.users.end() ? nullptr : &*found;
  }

  // Before the account files change.
  absl::Status SaveAccountFiles() {
    for (const char* path : {"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow",
                             "/etc/subuid", "/etc/subgid"}) {
      TRIDENT_RETURN_IF_ERROR(system_.SaveFile(path));
    }
    return absl::OkStatus();
  }

  absl::Status MakeGroup(const std::string& name) {
    std::vector<std::string> argv = {"groupadd"};
    if (const Group* before = FindGroup(earlier_.groups, name)) {
      if (FindGroupById(groups_, before->gid) == nullptr) {
        argv.insert(argv.end(), {"--gid", absl::StrCat(before->gid)});
      } else {
        system_.Warn(absl::StrCat("the group ", name, " cannot keep its number ", before->gid,
                                  ", which the new system has for another one"));
      }
    }
    argv.push_back(name);
    TRIDENT_RETURN_IF_ERROR(SaveAccountFiles());
    TRIDENT_RETURN_IF_ERROR(system_.Run(argv));
    return Load();
  }

  absl::Status MakeUser(const User& user) {
    const std::string home = absl::StrCat("/home/", user.name);
    std::vector<std::string> argv = {
        "useradd", "--create-home", "--home-dir",
        home,      "--shell",       system_.Exists("/bin/bash") ? "/bin/bash" : "/bin/sh"};
    if (const Account* before = FindAccount(earlier_.accounts, user.name)) {
      const Account* const other = FindAccountById(accounts_, before->uid);
      if (other == nullptr) {
        argv.insert(argv.end(), {"--uid", absl::StrCat(before->uid)});
      } else {
        system_.Warn(absl::StrCat("the user ", user.name, " cannot keep the number ", before->uid,
                                  ", which belongs to ", other->name,
                                  " in the new system: files that both systems use change hands"));
      }
      // A group that is theirs alone has their name.
      const Group* const group = FindGroupById(earlier_.groups, before->gid);
      if (group != nullptr && group->name == user.name &&
          FindGroup(groups_, user.name) == nullptr) {
        TRIDENT_RETURN_IF_ERROR(MakeGroup(user.name));
      }
    }
    if (FindGroup(groups_, user.name) != nullptr) {
      argv.insert(argv.end(), {"--gid", user.name});
    } else {
      argv.push_back("--user-group");
    }
    argv.push_back(user.name);
    TRIDENT_RETURN_IF_ERROR(SaveAccountFiles());
    TRIDENT_RETURN_IF_ERROR(system_.SaveFile(home));
    TRIDENT_RETURN_IF_ERROR(system_.Run(argv));
    system_.Info(absl::StrCat("made the user ", user.name));
    return Load();
  }

  absl::Status SetGroups(const User& user) {
    std::vector<std::string> joined;
    for (const std::string& name : user.groups) {
      if (FindGroup(groups_, name) == nullptr) {
        TRIDENT_RETURN_IF_ERROR(MakeGroup(name));
        system_.Info(absl::StrCat("made the group ", name, " for the user ", user.name));
      }
      const Group* const group = FindGroup(groups_, name);
      const Account* const account = FindAccount(accounts_, user.name);
      const bool is_member =
          group != nullptr && (Contains(group->members, user.name) ||
                               (account != nullptr && account->gid == group->gid));
      if (!is_member) joined.push_back(name);
    }
    if (!joined.empty()) {
      TRIDENT_RETURN_IF_ERROR(SaveAccountFiles());
      TRIDENT_RETURN_IF_ERROR(
          system_.Run({"usermod", "--append", "--groups", absl::StrJoin(joined, ","), user.name}));
    }
    const User* const before = EarlierUser(user.name);
    if (before == nullptr) return absl::OkStatus();
    for (const std::string& name : before->groups) {
      const Group* const group = FindGroup(groups_, name);
      if (Contains(user.groups, name) || group == nullptr || !Contains(group->members, user.name)) {
        continue;
      }
      TRIDENT_RETURN_IF_ERROR(SaveAccountFiles());
      TRIDENT_RETURN_IF_ERROR(system_.Run({"gpasswd", "--delete", user.name, name}));
    }
    return absl::OkStatus();
  }

  absl::Status SetPassword(const User& user) {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> shadow, system_.Read("/etc/shadow"));
    const std::string now = ShadowPassword(shadow.value_or(""), user.name);
    switch (user.password.mode) {
      case PasswordMode::kLocked:
        if (now == kNoPassword) return absl::OkStatus();
        TRIDENT_RETURN_IF_ERROR(SaveAccountFiles());
        return system_.Run({"usermod", "--password", kNoPassword, user.name});
      case PasswordMode::kDangerousHashed:
        if (now == user.password.value) return absl::OkStatus();
        return ChangePassword(user, {"chpasswd", "--encrypted"});
      case PasswordMode::kDangerousPlainText:
        break;
    }
    const User* const before = EarlierUser(user.name);
    // Hashed with another salt each time: what did not change is left alone.
    if (system_.is_running() && before != nullptr && before->password == user.password) {
      return absl::OkStatus();
    }
    // Hashed by chpasswd itself instead of through PAM, which a new root may not have set up.
    return ChangePassword(user, {"chpasswd", "--crypt-method", "SHA512"});
  }

  absl::Status ChangePassword(const User& user, const std::vector<std::string>& argv) {
    TRIDENT_RETURN_IF_ERROR(SaveAccountFiles());
    TRIDENT_ASSIGN_OR_RETURN(const Secret input, Secret::CopyOf(absl::StrCat(
                                                     user.name, ":", user.password.value, "\n")));
    return Annotate(system_.RunWithSecret(argv, input),
                    absl::StrCat("set the password of ", user.name));
  }

  absl::Status SetKeys(const User& user) {
    const Account* const account = FindAccount(accounts_, user.name);
    if (account == nullptr || !account->home.starts_with('/')) {
      return MakeError(absl::StatusCode::kInternal, "environment", "no-home",
                       absl::StrCat("the user ", user.name, " has no home folder in /etc/passwd"));
    }
    const std::string folder = absl::StrCat(account->home, "/.ssh");
    const std::string path = folder + "/authorized_keys";
    const FileOwner owner{account->uid, account->gid};
    if (user.ssh_keys.empty()) {
      const User* const before = EarlierUser(user.name);
      // Keys that the document takes back, not those that somebody else put there.
      if (before == nullptr || before->ssh_keys.empty()) return absl::OkStatus();
      TRIDENT_ASSIGN_OR_RETURN(const bool removed, system_.Remove(path));
      if (removed) system_.Info(absl::StrCat("removed the SSH keys of ", user.name));
      return absl::OkStatus();
    }
    if (!system_.Exists(account->home)) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-home",
                       absl::StrCat("the home folder ", account->home, " of the user ", user.name,
                                    " is not there, so that it can have no SSH keys"),
                       "Make the folder in the image, or leave sshKeys out.");
    }
    TRIDENT_RETURN_IF_ERROR(MakePrivateFolder(folder, owner));
    return Annotate(
        system_.Write(path, absl::StrCat(absl::StrJoin(user.ssh_keys, "\n"), "\n"), 0600, owner)
            .status(),
        absl::StrCat("write the SSH keys of ", user.name));
  }

  // Its user may have put anything there: a link is not followed.
  absl::Status MakePrivateFolder(const std::string& folder, const FileOwner& owner) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string located, system_.Locate(folder));
    const absl::StatusOr<FileFacts> facts = system_.files().Facts(located);
    if (facts.ok() && facts->type == FileFacts::Type::kDirectory) return absl::OkStatus();
    if (facts.ok()) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-folder",
                       absl::StrCat(folder, " is no folder, so that no SSH keys can be put there"),
                       "Remove it.");
    }
    Files& files = system_.mutable_files();
    TRIDENT_RETURN_IF_ERROR(system_.SaveFile(folder));
    TRIDENT_RETURN_IF_ERROR(files.MakeDirectories(located, 0700));
    return files.ChangeOwner(located, owner.user, owner.group);
  }

  TargetSystem& system_;
  const EarlierUsers& earlier_;
  // Of the system, as they are now.
  std::vector<Account> accounts_;
  std::vector<Group> groups_;
};

}  // namespace

absl::Status ConfigureUsers(TargetSystem& system, const std::vector<User>& users,
                            const EarlierUsers& earlier) {
  Configurator configurator(system, earlier);
  for (const User& user : users) {
    TRIDENT_RETURN_IF_ERROR(
        Annotate(configurator.Configure(user), absl::StrCat("set up the user ", user.name)));
  }
  return absl::OkStatus();
}

}  // namespace trident
