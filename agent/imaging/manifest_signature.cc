#include "agent/imaging/manifest_signature.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/strings.h"

namespace trident {
namespace {

constexpr std::chrono::minutes kTimeLimit{1};

// A new folder for one check; goes away with its files.
class WorkFolder {
 public:
  static absl::StatusOr<WorkFolder> Make(Files& files, const std::string& parent) {
    std::random_device random;
    const std::string path = absl::StrCat(parent, "/", absl::Hex(random(), absl::kZeroPad8),
                                          absl::Hex(random(), absl::kZeroPad8));
    TRIDENT_RETURN_IF_ERROR(files.MakeDirectories(path, 0700));
    return WorkFolder(files, path);
  }
  WorkFolder(WorkFolder&& other) noexcept
      : files_(other.files_), path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder() {
    if (path_.empty()) return;
    for (const char* name : {"text", "signature", ""}) {
      // What is left behind is a copy of public files.
      files_.Remove(absl::StrCat(path_, *name == '\0' ? "" : "/", name)).IgnoreError();
    }
  }

  const std::string& path() const { return path_; }

 private:
  WorkFolder(Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  Files& files_;
  std::string path_;
};

}  // namespace

bool AllSignaturesGood(std::string_view status_lines) {
  static constexpr std::array<std::string_view, 6> kBad = {"BADSIG",    "ERRSIG",    "EXPSIG",
                                                           "EXPKEYSIG", "REVKEYSIG", "NODATA"};
  bool good = false;
  for (const std::string_view line : StrSplit(status_lines, '\n')) {
    const std::vector<std::string_view> words = StrSplit(line, ' ');
    if (words.size() < 2 || words[0] != "[GNUPG:]") continue;
    if (std::find(kBad.begin(), kBad.end(), words[1]) != kBad.end()) return false;
    good = good || words[1] == "GOODSIG";
  }
  return good;
}

absl::Status CheckSignature(Files& files, CommandRunner& commands, const std::string& folder,
                            const std::string& keyring, const SignedText& signed_text) {
  const std::string attempt = absl::StrCat("checking the signature ", signed_text.signature_name);
  if (!files.Exists(keyring)) {
    return MakeError(absl::StatusCode::kNotFound, "environment", "keyring",
                     absl::StrCat(attempt, ": there is no keyring ", keyring),
                     "Put the keyring that manifestKeyring of the agent's configuration names in "
                     "its place (gpg --export).");
  }
  const absl::StatusOr<WorkFolder> work = WorkFolder::Make(files, folder);
  TRIDENT_RETURN_IF_ERROR(Annotate(work.status(), attempt));
  const std::string text = absl::StrCat(work->path(), "/text");
  const std::string signature = absl::StrCat(work->path(), "/signature");
  TRIDENT_RETURN_IF_ERROR(Annotate(files.Write(text, signed_text.text, 0600), attempt));
  TRIDENT_RETURN_IF_ERROR(Annotate(files.Write(signature, signed_text.signature, 0600), attempt));
  Command command;
  command.argv = {"gpgv",      "--status-fd", "1",       "--homedir", work->path(),
                  "--keyring", keyring,       signature, text};
  command.timeout = kTimeLimit;
  const absl::StatusOr<CommandResult> result = commands.Run(command);
  TRIDENT_RETURN_IF_ERROR(Annotate(result.status(), attempt));
  // The exit status alone is not enough: it is 0 also for a key that has been revoked.
  if (result->exit_status == 0 && AllSignaturesGood(result->output)) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kPermissionDenied, "image", "bad-signature",
      absl::StrCat(attempt, ": it is not a good signature of a key in ", keyring, ": ",
                   std::string(StripWhitespace(result->error_output))),
      "Sign the list (gpg --detach-sign --output SHA256SUMS.gpg SHA256SUMS) with a valid key of "
      "the keyring.");
}

}  // namespace trident
