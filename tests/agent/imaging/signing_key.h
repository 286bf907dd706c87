// A real OpenPGP key of a test's own, made by gpg(1).
#ifndef TRIDENT_TESTS_AGENT_IMAGING_SIGNING_KEY_H_
#define TRIDENT_TESTS_AGENT_IMAGING_SIGNING_KEY_H_

#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace trident::test {

class SigningKey {
 public:
  enum class State { kValid, kExpired };

  explicit SigningKey(State state = State::kValid);
  ~SigningKey();
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;

  // File with the public key, as `gpg --export` writes it.
  std::string keyring() const { return directory_ / "keyring.gpg"; }
  // The keyring says from now on that the key has been revoked.
  void Revoke();
  // A detached signature.
  std::string Sign(const std::string& text) const;

 private:
  void Gpg(std::vector<std::string> arguments, const std::string& input = "") const;

  TemporaryDirectory directory_;
  std::vector<std::string> clock_;  // arguments that set the clock of gpg
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_SIGNING_KEY_H_
