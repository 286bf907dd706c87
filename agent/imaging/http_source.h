// Images from a web server, with retries and resumption.
#ifndef TRIDENT_AGENT_IMAGING_HTTP_SOURCE_H_
#define TRIDENT_AGENT_IMAGING_HTTP_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/http_authorizer.h"
#include "agent/imaging/http_client.h"
#include "agent/imaging/image_source.h"

namespace trident {

// What makes sure that two transfers of one URL bring the same file.
enum class FileIdentity {
  kValidator,         // only a strong validator of the server
  kHash,              // the hash of the whole file will be compared
  kContentAddressed,  // the URL names the content by its digest: validators do not matter
};

// A transfer that breaks goes on at the byte where it broke: a range request with If-Range when the
// server gave a strong validator, without If-Range when at least the hash of the whole file will be
// compared, and from zero (decoder and writer included) when there is neither.
//
// A server that answers a range request with the whole file (it knows no ranges, or the file is
// another one now) is read from zero without bothering the decoder: the bytes that had been
// consumed already are hashed again, and only when they turn out to be the same does the stream go
// on. So two versions of a file are never put together.
//
// A 401, at the beginning or when a transfer goes on, is answered with what the authorizer (if
// there is one) makes of it.
class HttpSource : public ImageSource {
 public:
  // `authorizer` may be null.
  HttpSource(ImageUrl url, FetchOptions options, FileIdentity identity,
             std::shared_ptr<HttpAuthorizer> authorizer)
      : url_(std::move(url)),
        options_(std::move(options)),
        identity_(identity),
        authorizer_(std::move(authorizer)) {}

  absl::Status Run(ChunkFeeder& feeder, StreamState& state) override;

 private:
  struct Attempt;

  // One request, from where the feeder is.
  void Try(HttpClient& client, ChunkFeeder& feeder, StreamState& state, Attempt& attempt);
  bool OnResponse(const HttpResponse& response, const ChunkFeeder& feeder, StreamState& state,
                  Attempt& attempt);
  bool OnBody(std::span<const uint8_t> data, ChunkFeeder& feeder, StreamState& state,
              Attempt& attempt);
  // Whether a partial response goes on with what has been fetched so far.
  bool Continues(const HttpResponse& response, uint64_t position) const;
  void Learn(const HttpResponse& response, StreamState& state);
  // Answers a refusal. False: the attempt has failed.
  bool Renew(const ChunkFeeder& feeder, const StreamState& state, Attempt& attempt);
  bool MayContinue() const {
    return identity_ != FileIdentity::kValidator || !version_.StrongValidator().empty();
  }

  ImageUrl url_;
  FetchOptions options_;
  FileIdentity identity_;
  std::shared_ptr<HttpAuthorizer> authorizer_;
  std::optional<uint64_t> renewed_at_;  // where the feeder was at the last renewal
  HttpResponse version_;                // the head that came with the bytes fetched so far
  std::optional<uint64_t> total_;       // size of the file
  bool use_ranges_ = true;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_HTTP_SOURCE_H_
