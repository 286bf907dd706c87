// A real web server of a test's own: nginx in the foreground, as the current user, on free ports.
#ifndef TRIDENT_TESTS_AGENT_IMAGING_NGINX_H_
#define TRIDENT_TESTS_AGENT_IMAGING_NGINX_H_

#include <cstdint>
#include <memory>
#include <string>

#include "tests/agent/imaging/server_process.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {

// A self-signed certificate for 127.0.0.1 and its key, as PEM. Seconds relative to now.
struct Certificate {
  std::string certificate;
  std::string key;
};
Certificate MakeCertificate(long valid_from, long valid_until);

class Nginx {
 public:
  // Ready when the constructor returns. With a certificate: also serves https.
  Nginx();
  explicit Nginx(const Certificate& certificate);

  uint16_t port() const { return port_; }
  std::string TlsUrl(const std::string& name) const;
  // PEM file of the certificate.
  std::string certificate_path() const { return directory_ / "certificate.pem"; }
  void Publish(const std::string& name, const std::string& content) const;

 private:
  void Start(const Certificate* certificate);

  TemporaryDirectory directory_;
  uint16_t port_ = 0;
  uint16_t tls_port_ = 0;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_NGINX_H_
