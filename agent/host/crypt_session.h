// What every use of libcryptsetup needs: a device that is let go, and what the library said.
#ifndef TRIDENT_AGENT_HOST_CRYPT_SESSION_H_
#define TRIDENT_AGENT_HOST_CRYPT_SESSION_H_

#include <libcryptsetup.h>

#include <string>

namespace trident {

// A crypt_device and the last error that libcryptsetup put into words.
struct CryptSession {
  crypt_device* device = nullptr;
  std::string said;

  CryptSession() = default;
  CryptSession(const CryptSession&) = delete;
  CryptSession& operator=(const CryptSession&) = delete;
  ~CryptSession() { crypt_free(device); }
};

// For crypt_set_log_callback. `session` may be null: what is said outside of one. The library's
// messages hold no keys.
void TakeCryptMessage(int level, const char* message, void* session);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_CRYPT_SESSION_H_
