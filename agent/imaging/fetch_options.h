// How images are fetched: timeouts, retries, identity.
#ifndef TRIDENT_AGENT_IMAGING_FETCH_OPTIONS_H_
#define TRIDENT_AGENT_IMAGING_FETCH_OPTIONS_H_

#include <chrono>
#include <string>

#include "common/base/version.h"

namespace trident {

// There is no limit on the time of a whole transfer, only on the time without a byte. Proxies are
// taken from the usual environment variables (http_proxy, https_proxy, no_proxy).
struct FetchOptions {
  // Name resolution, TCP and TLS handshake together.
  std::chrono::milliseconds connect_timeout{30'000};
  // The longest time without a byte from the server.
  std::chrono::milliseconds stall_timeout{30'000};
  // Wait after the first failed attempt; doubled after each further one up to `longest_backoff`.
  std::chrono::milliseconds first_backoff{500};
  std::chrono::milliseconds longest_backoff{16'000};
  // Failed attempts in a row without one new byte, before giving up. Every new byte starts the
  // count (and the waits) anew.
  int attempts = 25;
  // The same for looking at an image: planning should not take minutes.
  int probe_attempts = 4;
  int redirects = 10;
  std::string user_agent = "trident/" TRIDENT_VERSION;
  // PEM file of the certificate authorities to trust. Empty: those of the system.
  std::string ca_file;
  // File with credentials for OCI registries (Docker's config.json). Empty: none.
  std::string registry_credentials;
  // OpenPGP keyring for the signatures of lists of hashes. Empty: no signature is asked for.
  std::string manifest_keyring;
  // Where files for checking a signature are put for a moment.
  std::string work_folder = "/run/trident/signatures";
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_FETCH_OPTIONS_H_
