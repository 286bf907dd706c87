#include "agent/host/crypt_session.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/logging.h"

namespace trident {

void TakeCryptMessage(int level, const char* message, void* session) {
  const std::string text(absl::StripAsciiWhitespace(message));
  Log(LogLevel::kDebug, absl::StrCat("libcryptsetup: ", text));
  if (level == CRYPT_LOG_ERROR && session != nullptr) {
    static_cast<CryptSession*>(session)->said = text;
  }
}

}  // namespace trident
