#include "agent/imaging/http_source.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "agent/imaging/digests.h"
#include "agent/imaging/image_errors.h"
#include "common/base/error.h"

namespace trident {

struct HttpSource::Attempt {
  enum class Result {
    kDone,  // the file has been fetched to its end
    kStopped,
    kFailed,   // see `error` and `retryable`
    kAgain,    // at once, in another way
    kRefused,  // 401; see `refusal`
  };

  Result result = Result::kFailed;
  absl::Status error;
  bool retryable = false;

  HttpResponse refusal;

  bool asked_for_range = false;
  // While the beginning of the file is read for a second time:
  uint64_t prefix_left = 0;
  Sha256 prefix;
  HttpResponse prefix_version;
};

bool HttpSource::Continues(const HttpResponse& response, uint64_t position) const {
  if (!response.content_range || response.content_range->first != position) return false;
  if (total_ && response.content_range->total && *total_ != *response.content_range->total) {
    return false;
  }
  if (identity_ == FileIdentity::kContentAddressed) return true;
  if (!version_.etag.empty() && !response.etag.empty()) return version_.etag == response.etag;
  if (!version_.last_modified.empty() && !response.last_modified.empty()) {
    return version_.last_modified == response.last_modified;
  }
  return true;
}

void HttpSource::Learn(const HttpResponse& response, StreamState& state) {
  version_ = response;
  total_ = response.content_length;
  state.fetch_total.store(total_.value_or(0), std::memory_order_relaxed);
}

bool HttpSource::OnResponse(const HttpResponse& response, const ChunkFeeder& feeder,
                            StreamState& state, Attempt& attempt) {
  const uint64_t position = feeder.fed();
  if (response.status == 200) {
    if (position == 0) {
      Learn(response, state);
      return true;
    }
    if (response.content_length && *response.content_length < position) {
      attempt.error =
          ImageChanged(absl::StrCat("it has ", *response.content_length, " bytes now, but ",
                                    position, " have been fetched already"));
      return false;
    }
    attempt.prefix_left = position;
    attempt.prefix_version = response;
    return true;
  }
  if (attempt.asked_for_range && response.status == 206 && Continues(response, position)) {
    return true;
  }
  if (attempt.asked_for_range && (response.status == 206 || response.status == 416)) {
    // The server cannot go on there. The whole file will show whether it is still the same.
    use_ranges_ = false;
    attempt.result = Attempt::Result::kAgain;
    return false;
  }
  if (authorizer_ != nullptr && AsksForAuthorization(response)) {
    if (renewed_at_ == position) {
      attempt.error = authorizer_->Refused();
    } else {
      attempt.result = Attempt::Result::kRefused;
      attempt.refusal = response;
    }
    return false;
  }
  attempt.error = HttpStatusError(url_, response.status, &attempt.retryable);
  return false;
}

bool HttpSource::OnBody(std::span<const uint8_t> data, ChunkFeeder& feeder, StreamState& state,
                        Attempt& attempt) {
  if (state.stopped()) return false;
  if (attempt.prefix_left > 0) {
    const size_t again = std::min<uint64_t>(attempt.prefix_left, data.size());
    attempt.prefix.Update(data.first(again));
    attempt.prefix_left -= again;
    data = data.subspan(again);
    if (attempt.prefix_left > 0) return true;
    if (attempt.prefix.Hex() != feeder.DigestHex()) {
      attempt.error = ImageChanged(
          absl::StrCat("its first ", feeder.fed(), " bytes are no longer those that were fetched"));
      return false;
    }
    Learn(attempt.prefix_version, state);
  }
  return feeder.Append(data);
}

void HttpSource::Try(HttpClient& client, ChunkFeeder& feeder, StreamState& state,
                     Attempt& attempt) {
  HttpRequest request;
  if (feeder.fed() > 0 && use_ranges_) {
    attempt.asked_for_range = true;
    request.range = absl::StrCat("bytes=", feeder.fed(), "-");
    if (identity_ != FileIdentity::kContentAddressed) {
      request.if_range = version_.StrongValidator();
    }
  }
  if (authorizer_ != nullptr) request.authorization = authorizer_->authorization();
  HttpHandlers handlers;
  handlers.response = [&](const HttpResponse& response) {
    return OnResponse(response, feeder, state, attempt);
  };
  handlers.body = [&](std::span<const uint8_t> data) {
    return OnBody(data, feeder, state, attempt);
  };
  handlers.stopped = [&] { return state.stopped(); };
  const HttpOutcome outcome = client.Get(request, handlers);

  if (state.stopped()) {
    attempt.result = Attempt::Result::kStopped;
    return;
  }
  if (!attempt.error.ok() || attempt.result == Attempt::Result::kAgain ||
      attempt.result == Attempt::Result::kRefused) {
    return;
  }
  if (outcome.end == HttpOutcome::End::kStopped) {
    attempt.result = Attempt::Result::kStopped;
    return;
  }
  const bool complete = outcome.end == HttpOutcome::End::kComplete;
  if (complete && attempt.prefix_left > 0) {
    attempt.error = ImageChanged("it is shorter now than what has been fetched already");
    return;
  }
  // All bytes that were announced are there, whatever became of the connection afterwards.
  const bool has_everything = total_ && attempt.prefix_left == 0 && feeder.fed() == *total_;
  if (has_everything || (complete && !total_)) {
    attempt.result = Attempt::Result::kDone;
    return;
  }
  attempt.retryable = complete || outcome.retryable;
  attempt.error = complete ? MakeError(absl::StatusCode::kUnavailable, "image", "unavailable",
                                       absl::StrCat("fetching ", url_.printable,
                                                    ": the server sent less than it announced"))
                           : outcome.error;
}

bool HttpSource::Renew(const ChunkFeeder& feeder, const StreamState& state, Attempt& attempt) {
  attempt.error = authorizer_->Renew(attempt.refusal, InterruptionOf(state));
  attempt.retryable = GetErrorDetail(attempt.error).retryable;
  if (attempt.error.ok()) renewed_at_ = feeder.fed();
  return attempt.error.ok();
}

absl::Status HttpSource::Run(ChunkFeeder& feeder, StreamState& state) {
  HttpClient client(url_, options_);
  uint64_t furthest = 0;
  int failures = 0;
  std::chrono::milliseconds wait = options_.first_backoff;
  for (;;) {
    if (feeder.fed() > 0 && !MayContinue()) {
      if (!feeder.Restart()) return StreamCancelled();
      use_ranges_ = true;
    }
    Attempt attempt;
    Try(client, feeder, state, attempt);
    switch (attempt.result) {
      case Attempt::Result::kDone:
        return feeder.Finish() ? absl::OkStatus() : StreamCancelled();
      case Attempt::Result::kStopped:
        return StreamCancelled();
      case Attempt::Result::kAgain:
        continue;
      case Attempt::Result::kRefused:
        if (Renew(feeder, state, attempt)) continue;
        if (state.stopped()) return StreamCancelled();
        break;
      case Attempt::Result::kFailed:
        break;
    }
    if (!attempt.retryable) return attempt.error;
    if (feeder.fed() > furthest) {
      furthest = feeder.fed();
      failures = 0;
      wait = options_.first_backoff;
    }
    ++failures;
    const std::string where =
        absl::StrCat("at byte ", feeder.fed(), total_ ? absl::StrCat(" of ", *total_) : "");
    if (failures >= options_.attempts) {
      ErrorDetail detail = GetErrorDetail(attempt.error);
      absl::StrAppend(&detail.message, "; gave up ", where, " after ", failures,
                      " attempts without progress");
      detail.retryable = true;
      return MakeError(absl::StatusCode::kUnavailable, std::move(detail));
    }
    state.Note(absl::StrCat(attempt.error.message(), "; attempt ", failures, " of ",
                            options_.attempts, ", trying again ", where, " in ", wait.count(),
                            " ms"));
    if (state.WaitForEnd(wait)) return StreamCancelled();
    wait = std::min(wait * 2, options_.longest_backoff);
  }
}

}  // namespace trident
