#include <algorithm>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/format.h"
#include "common/kickstart/commands.h"

namespace trident::kickstart {
namespace {

constexpr OptionSpec kRootOptions[] = {{"--iscrypted", OptionKind::kFlag},
                                       {"--plaintext", OptionKind::kFlag},
                                       {"--lock", OptionKind::kFlag}};
constexpr CommandSpec kRootPassword = {
    .name = "rootpw", .options = kRootOptions, .word = "password", .has_secret_words = true};

constexpr OptionSpec kUserOptions[] = {{"--name"},
                                       {"--homedir"},
                                       {"--password"},
                                       {"--iscrypted", OptionKind::kFlag},
                                       {"--plaintext", OptionKind::kFlag},
                                       {"--lock", OptionKind::kFlag},
                                       {"--shell"},
                                       {"--uid"},
                                       {"--gid"},
                                       {"--gecos", OptionKind::kText},
                                       {"--groups", OptionKind::kList}};
constexpr CommandSpec kUser = {.name = "user", .options = kUserOptions, .has_secret_words = true};

constexpr OptionSpec kSshKeyOptions[] = {{"--username"}};
constexpr CommandSpec kSshKey = {
    .name = "sshkey", .options = kSshKeyOptions, .word = "key", .word_is_required = true};

constexpr char kRoot[] = "root";
// What the agent gives to every user that it makes.
constexpr char kShell[] = "/bin/bash";
constexpr std::string_view kHomes = "/home/";

// The password `text`, which the command has. Never quoted.
Password ReadPassword(Arguments& arguments, const std::string& text, const CommandSink& sink) {
  Password password;
  password.mode = arguments.Has("--iscrypted") ? PasswordMode::kDangerousHashed
                                               : PasswordMode::kDangerousPlainText;
  password.value = text;
  if (text.empty() || CheckFormat(Format::kLine, text)) {
    arguments.Fail(ProblemKind::kSemanticError,
                   "the password must not be empty, nor have control characters");
  } else if (password.mode == PasswordMode::kDangerousHashed &&
             text.find(':') != std::string::npos) {
    arguments.Fail(ProblemKind::kSemanticError,
                   "the hash of the password must not contain \":\"; write it as crypt(3) makes "
                   "it, such as the output of openssl passwd -6");
  }
  if (!sink.dangerous_passwords) {
    arguments.Fail(
        ProblemKind::kDisallowedCommand,
        "passwords are refused: dangerousOptions in the configuration of the agent, or the "
        "option --dangerous-options, allows them. Write --lock, and let people in with the "
        "command sshkey");
  }
  return password;
}

// Faults of a user that would come out otherwise than the kickstart says.
void RefuseUnequal(Arguments& arguments, const std::string& name) {
  const auto refuse = [&](std::string_view option, std::string_view why) {
    arguments.Fail(ProblemKind::kTranslationError,
                   StrCat(option, "=", Shorten(arguments.Text(option)), ": ", why));
  };
  for (const std::string_view option : {"--uid", "--gid"}) {
    if (!arguments.Has(option)) continue;
    if (!arguments.Unsigned(option, UINT32_MAX - 1)) continue;
    refuse(
        option,
        "a Host Configuration chooses no numbers. Leave it out, or let the image bring the user");
  }
  if (arguments.Has("--shell") && arguments.Text("--shell") != kShell) {
    refuse("--shell", StrCat("users get ", kShell, ". Change it in a %post script with usermod"));
  }
  if (arguments.Has("--homedir") && arguments.Text("--homedir") != kHomes &&
      arguments.Text("--homedir") != StrCat(kHomes, name)) {
    refuse("--homedir", StrCat("the home of a user is ", kHomes,
                               "NAME. Leave it out, or let the image bring the user"));
  }
  if (arguments.Has("--gecos")) {
    arguments.Fail(ProblemKind::kSemanticWarning,
                   "--gecos has no effect: a Host Configuration has no comments on users");
  }
}

}  // namespace

void ReadRootPassword(const Line& line, std::span<const std::string> words,
                      const CommandSink& sink) {
  auto arguments = Arguments::Parse(kRootPassword, line, words, sink.problems);
  if (!arguments) return;
  arguments->AtMostOne({"--iscrypted", "--plaintext", "--lock"});
  UserAccount root;
  root.line = line;
  root.name = kRoot;
  if (arguments->Has("--lock")) {
    if (arguments->has_word()) arguments->Fail("--lock and a password exclude each other");
  } else if (!arguments->has_word()) {
    arguments->Fail("the password is missing; write it, or --lock");
  } else {
    root.password = ReadPassword(*arguments, arguments->word(), sink);
  }
  if (!arguments->ok()) return;
  if (sink.kickstart.root) {
    WarnOfReplaced(line, sink.kickstart.root->line, "the password of root", sink.problems);
  }
  sink.kickstart.root = std::move(root);
}

void ReadUser(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kUser, line, words, sink.problems);
  if (!arguments) return;
  arguments->AtMostOne({"--iscrypted", "--plaintext", "--lock"});
  UserAccount user;
  user.line = line;
  if (!arguments->Has("--name")) arguments->Fail("the option --name is missing");
  user.name = arguments->OfFormat("--name", Format::kUserName).value_or("");
  if (user.name == kRoot) {
    arguments->Fail(ProblemKind::kSemanticError, "root is there already; write rootpw");
  }
  user.groups = arguments->ListOf("--groups", Format::kUserName);
  const bool has_password = arguments->Has("--password");
  if (arguments->Has("--lock")) {
    if (has_password) {
      arguments->Fail(ProblemKind::kSemanticWarning,
                      "--password has no effect beside --lock: no password is accepted");
    }
  } else if (has_password) {
    user.password = ReadPassword(*arguments, arguments->Text("--password"), sink);
  } else if (arguments->Has("--iscrypted") || arguments->Has("--plaintext")) {
    arguments->Fail("--iscrypted and --plaintext need --password");
  }
  RefuseUnequal(*arguments, user.name);
  if (!arguments->ok()) return;
  auto& users = sink.kickstart.users;
  const auto same = std::find_if(users.begin(), users.end(),
                                 [&](const UserAccount& one) { return one.name == user.name; });
  if (same == users.end()) {
    users.push_back(std::move(user));
    return;
  }
  WarnOfReplaced(line, same->line, StrCat("the user ", user.name), sink.problems);
  *same = std::move(user);
}

void ReadSshKey(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kSshKey, line, words, sink.problems);
  if (!arguments) return;
  if (!arguments->Has("--username")) arguments->Fail("the option --username is missing");
  const auto name = arguments->OfFormat("--username", Format::kUserName);
  if (const auto fault = CheckFormat(Format::kSshKey, arguments->word())) {
    arguments->Fail(StrCat("the key ", fault->reason, ". ", fault->remedy));
  }
  if (arguments->ok()) sink.kickstart.ssh_keys.push_back({line, *name, arguments->word()});
}

}  // namespace trident::kickstart
