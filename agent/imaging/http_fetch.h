// Fetches something small over HTTP: the head of an image, a manifest, a token.
#ifndef TRIDENT_AGENT_IMAGING_HTTP_FETCH_H_
#define TRIDENT_AGENT_IMAGING_HTTP_FETCH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/http_authorizer.h"
#include "agent/imaging/http_client.h"
#include "agent/imaging/interruption.h"

namespace trident {

struct FetchedBody {
  HttpResponse response;
  std::vector<uint8_t> bytes;  // empty unless the status is 200 or 206
  bool more = false;           // the body is longer than the limit

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

// At most the first `limit` bytes of the body. What may go away by itself (a broken connection,
// 5xx) is tried again, FetchOptions::probe_attempts times altogether; any other status is the
// caller's to judge. `authorizer` (may be null) is asked once when the server answers 401.
absl::StatusOr<FetchedBody> FetchBody(HttpClient& client, HttpRequest request, size_t limit,
                                      const FetchOptions& options, HttpAuthorizer* authorizer,
                                      const Interruption& interruption);

// A whole document: any status but 200 is an error, and so is a body of more than `limit` bytes
// (RESOURCE_EXHAUSTED, kind "image", subkind "document-too-large").
absl::StatusOr<FetchedBody> FetchDocument(HttpClient& client, HttpRequest request, size_t limit,
                                          const FetchOptions& options, HttpAuthorizer* authorizer,
                                          const Interruption& interruption);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_HTTP_FETCH_H_
