#include "tests/agent/imaging/signing_key.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <memory>

#include "agent/host/command_runner.h"
#include "tests/support/status_matchers.h"

namespace trident::test {

void SigningKey::Gpg(std::vector<std::string> arguments, const std::string& input) const {
  Command command;
  command.argv = {"gpg",     "--homedir",       directory_ / "home", "--batch",      "--yes",
                  "--quiet", "--pinentry-mode", "loopback",          "--passphrase", ""};
  command.argv.insert(command.argv.end(), clock_.begin(), clock_.end());
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.input = input;
  REQUIRE_OK(MakeLinuxCommandRunner()->RunChecked(command));
}

SigningKey::SigningKey(State state) {
  REQUIRE(mkdir((directory_ / "home").c_str(), 0700) == 0);
  if (state == State::kExpired) clock_ = {"--faked-system-time", "20200101T000000!"};
  Gpg({"--quick-generate-key", "images@trident.test", "ed25519", "sign",
       state == State::kExpired ? "1d" : "never"});
  Gpg({"--export", "--output", keyring()});
}

void SigningKey::Revoke() {
  Command find;
  find.argv = {"find", directory_ / "home/openpgp-revocs.d", "-name", "*.rev"};
  const auto found = MakeLinuxCommandRunner()->RunChecked(find);
  REQUIRE_OK(found);
  // gpg puts a colon in front of the certificate, against using it by mistake.
  std::string certificate = ReadFile(found->substr(0, found->find('\n')));
  certificate.erase(certificate.find(":-----BEGIN"), 1);
  Gpg({"--import"}, certificate);
  Gpg({"--export", "--output", keyring()});
}

SigningKey::~SigningKey() {
  // The agent of gpg notices by itself, but not before the folder is removed.
  Command command;
  command.argv = {"gpgconf", "--homedir", directory_ / "home", "--kill", "gpg-agent"};
  MakeLinuxCommandRunner()->Run(command).IgnoreError();
}

std::string SigningKey::Sign(const std::string& text) const {
  WriteFile(directory_ / "text", text);
  Gpg({"--detach-sign", "--output", directory_ / "signature", directory_ / "text"});
  return ReadFile(directory_ / "signature");
}

}  // namespace trident::test
