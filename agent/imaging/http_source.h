// Images from a web server, with retries and resumption.
#ifndef TRIDENT_AGENT_IMAGING_HTTP_SOURCE_H_
#define TRIDENT_AGENT_IMAGING_HTTP_SOURCE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/http_client.h"
#include "agent/imaging/image_source.h"

namespace trident {

// A transfer that breaks goes on at the byte where it broke: a range request with If-Range when the
// server gave a strong validator, without If-Range when at least the hash of the whole file will be
// compared, and from zero (decoder and writer included) when there is neither.
//
// A server that answers a range request with the whole file (it knows no ranges, or the file is
// another one now) is read from zero without bothering the decoder: the bytes that had been
// consumed already are hashed again, and only when they turn out to be the same does the stream go
// on. So two versions of a file are never put together.
class HttpSource : public ImageSource {
 public:
  HttpSource(ImageUrl url, FetchOptions options, bool hash_known)
      : url_(std::move(url)), options_(std::move(options)), hash_known_(hash_known) {}

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
  bool MayContinue() const { return hash_known_ || !version_.StrongValidator().empty(); }

  ImageUrl url_;
  FetchOptions options_;
  bool hash_known_;
  HttpResponse version_;           // the head that came with the bytes fetched so far
  std::optional<uint64_t> total_;  // size of the file
  bool use_ranges_ = true;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_HTTP_SOURCE_H_
