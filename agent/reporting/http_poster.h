// Sends JSON to a server, on libcurl.
#ifndef TRIDENT_AGENT_REPORTING_HTTP_POSTER_H_
#define TRIDENT_AGENT_REPORTING_HTTP_POSTER_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "agent/host/cancellation.h"

namespace trident {

// One thread at a time. Never logs: what it has to say must not become work for itself.
class HttpPoster {
 public:
  virtual ~HttpPoster() = default;

  // One POST. OK: the server answered with any 2xx. Errors have kind "network" and name the server,
  // never the whole URL, which may hold a password. CANCELLED soon after `cancellation` says so.
  virtual absl::Status Post(const std::string& json, const Cancellation& cancellation) = 0;
};

// `limit`: how long one POST may take, with everything.
std::unique_ptr<HttpPoster> MakeHttpPoster(std::string url, std::chrono::milliseconds limit);

}  // namespace trident

#endif  // TRIDENT_AGENT_REPORTING_HTTP_POSTER_H_
