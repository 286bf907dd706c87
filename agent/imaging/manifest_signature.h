// Signatures of lists of hashes.
#ifndef TRIDENT_AGENT_IMAGING_MANIFEST_SIGNATURE_H_
#define TRIDENT_AGENT_IMAGING_MANIFEST_SIGNATURE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"

namespace trident {

// A text and its detached OpenPGP signature, and what they are called in messages.
struct SignedText {
  std::string_view text;
  std::string_view signature;
  std::string signature_name;
};

// Checks with gpgv(1) that every signature is a good one of a key in `keyring` that has neither
// expired nor been revoked. Works in a folder of its own, for root only, below `folder`. Kind
// "image": PERMISSION_DENIED, "bad-signature". Kind "environment": no keyring, no gpgv.
absl::Status CheckSignature(Files& files, CommandRunner& commands, const std::string& folder,
                            const std::string& keyring, const SignedText& signed_text);

// What gpgv says on its status file descriptor (doc/DETAILS of GnuPG): at least one good signature,
// and none that is not. What else is said is no matter.
bool AllSignaturesGood(std::string_view status_lines);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_MANIFEST_SIGNATURE_H_
