// Who says with what right an HTTP server is asked.
#ifndef TRIDENT_AGENT_IMAGING_HTTP_AUTHORIZER_H_
#define TRIDENT_AGENT_IMAGING_HTTP_AUTHORIZER_H_

#include <string>

#include "absl/status/status.h"
#include "agent/imaging/http_client.h"
#include "agent/imaging/interruption.h"

namespace trident {

// One thread at a time.
class HttpAuthorizer {
 public:
  virtual ~HttpAuthorizer() = default;

  // The Authorization header of the next request. Empty: none. A secret.
  virtual std::string authorization() const = 0;
  // The server refused the last request: AsksForAuthorization(refusal). OK: authorization() is
  // another one now, and the request may be repeated once.
  virtual absl::Status Renew(const HttpResponse& refusal, const Interruption& interruption) = 0;
  // The error for a server that refuses authorization() although it has just been renewed.
  virtual absl::Status Refused() const = 0;
};

// A server that was reached by a redirect never gets to see any authorization, so what it asks for
// does not count.
inline bool AsksForAuthorization(const HttpResponse& response) {
  return response.status == 401 && !response.redirected;
}

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_HTTP_AUTHORIZER_H_
