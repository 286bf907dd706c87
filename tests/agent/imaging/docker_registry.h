// A real OCI registry of a test's own: Debian's docker-registry on a free port, in a folder of its
// own.
#ifndef TRIDENT_TESTS_AGENT_IMAGING_DOCKER_REGISTRY_H_
#define TRIDENT_TESTS_AGENT_IMAGING_DOCKER_REGISTRY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/agent/imaging/server_process.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {

class DockerRegistry {
 public:
  enum class Access { kOpen, kPassword };  // kPassword: user "me", password "secret"

  explicit DockerRegistry(Access access = Access::kOpen);

  uint16_t port() const { return port_; }
  // "127.0.0.1:<port>"
  std::string name() const { return "127.0.0.1:" + std::to_string(port_); }

  // Pushes a blob; gives its digest.
  std::string PushBlob(const std::string& repository, const std::string& content) const;
  // Pushes an OCI image (an artifact, as oras makes it) with these layers, given as title and
  // content; gives the manifest's digest.
  std::string PushImage(const std::string& repository, const std::string& tag,
                        const std::vector<std::pair<std::string, std::string>>& layers) const;
  std::string PushManifest(const std::string& repository, const std::string& reference,
                           const std::string& media_type, const std::string& json) const;

 private:
  std::string Url(const std::string& path) const;

  TemporaryDirectory directory_;
  uint16_t port_ = 0;
  Access access_;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_IMAGING_DOCKER_REGISTRY_H_
