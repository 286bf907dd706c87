#include "agent/imaging/http_fetch.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "common/base/error.h"

namespace trident {
namespace {

HttpHandlers CollectInto(FetchedBody& fetched, size_t limit, const Interruption& interruption) {
  HttpHandlers handlers;
  handlers.response = [](const HttpResponse& response) {
    return response.status == 200 || response.status == 206;
  };
  handlers.body = [&fetched, limit](std::span<const uint8_t> data) {
    const std::span<const uint8_t> part =
        data.first(std::min(data.size(), limit - fetched.bytes.size()));
    fetched.bytes.insert(fetched.bytes.end(), part.begin(), part.end());
    fetched.more = part.size() < data.size();
    return !fetched.more;
  };
  handlers.stopped = interruption.stopped;
  return handlers;
}

}  // namespace

absl::StatusOr<FetchedBody> FetchBody(HttpClient& client, HttpRequest request, size_t limit,
                                      const FetchOptions& options, HttpAuthorizer* authorizer,
                                      const Interruption& interruption) {
  std::chrono::milliseconds wait = options.first_backoff;
  bool renewed = false;
  for (int attempt = 1;; ++attempt) {
    FetchedBody fetched;
    if (authorizer != nullptr) request.authorization = authorizer->authorization();
    const HttpOutcome outcome = client.Get(request, CollectInto(fetched, limit, interruption));
    if (interruption.stopped()) return StreamCancelled();
    absl::Status error = outcome.error;
    bool retryable = outcome.retryable;
    if (outcome.end != HttpOutcome::End::kBroken) {
      fetched.response = outcome.response;
      if (authorizer != nullptr && AsksForAuthorization(fetched.response)) {
        if (renewed) return authorizer->Refused();
        TRIDENT_RETURN_IF_ERROR(authorizer->Renew(fetched.response, interruption));
        renewed = true;
        attempt = 0;  // the next one is the first of another request
        continue;
      }
      error = HttpStatusError(client.url(), fetched.response.status, &retryable);
      if (!retryable) return fetched;
    }
    if (!retryable || attempt >= options.probe_attempts) return error;
    if (interruption.wait(wait)) return StreamCancelled();
    wait = std::min(wait * 2, options.longest_backoff);
  }
}

absl::StatusOr<FetchedBody> FetchDocument(HttpClient& client, HttpRequest request, size_t limit,
                                          const FetchOptions& options, HttpAuthorizer* authorizer,
                                          const Interruption& interruption) {
  TRIDENT_ASSIGN_OR_RETURN(FetchedBody fetched, FetchBody(client, std::move(request), limit,
                                                          options, authorizer, interruption));
  if (fetched.response.status != 200) {
    bool retryable = false;
    return HttpStatusError(client.url(), fetched.response.status, &retryable);
  }
  if (fetched.more) {
    return MakeError(absl::StatusCode::kResourceExhausted, "image", "document-too-large",
                     absl::StrCat("fetching ", client.url().printable, ": it is larger than ",
                                  limit, " bytes, which are the most that are accepted"),
                     "Check that the URL names what is meant.");
  }
  return fetched;
}

}  // namespace trident
