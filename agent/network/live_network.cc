#include "agent/network/live_network.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/network/netplan.h"
#include "common/base/error.h"

namespace trident {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

absl::Status Restarted() {
  return MakeError(absl::StatusCode::kAborted, "network", "restarted",
                   "the agent was stopped before it was known whether the host can still be "
                   "reached with its changed network, so the change is taken back",
                   "Submit the Host Configuration again, with force.");
}

int64_t Seconds(milliseconds duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration + milliseconds(999)).count();
}

}  // namespace

absl::StatusOr<std::optional<LiveNetwork::Previous>> LiveNetwork::ReadRecord(
    const std::string& record) const {
  if (!files_.Exists(record)) return std::nullopt;
  TRIDENT_ASSIGN_OR_RETURN(const std::string text, files_.Read(record));
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("job") || !object["job"].is_string() ||
      !object.contains("document") ||
      !(object["document"].is_string() || object["document"].is_null())) {
    return MakeError(
        absl::StatusCode::kDataLoss, "network", "record-unreadable",
        absl::StrCat("what the network was before its change cannot be read from ", record),
        "Look at the file, mend /etc/netplan by hand, and remove it.");
  }
  Previous previous;
  previous.job_id = object["job"].get<std::string>();
  if (object["document"].is_string()) previous.document = object["document"].get<std::string>();
  return previous;
}

absl::Status LiveNetwork::WriteRecord(const std::string& record, const std::string& job_id) {
  json object = {{"job", job_id}, {"document", nullptr}};
  if (files_.Exists(kNetplanPath)) {
    TRIDENT_ASSIGN_OR_RETURN(object["document"], files_.Read(kNetplanPath));
  }
  TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(record.substr(0, record.rfind('/')), 0700));
  return files_.Write(record, object.dump(-1, ' ', false, json::error_handler_t::replace), 0600);
}

absl::Status LiveNetwork::GiveUp(const std::string& record) {
  absl::Status status = files_.Remove(record);
  // A record that a power cut brings back would take back what was accepted.
  if (status.ok()) status = files_.SyncFileSystem(record.substr(0, record.rfind('/')));
  return Annotate(status, "give up what the network was before its change");
}

absl::Status LiveNetwork::Apply(const std::string& job_id, const std::optional<YamlValue>& network,
                                const std::string& record, const Cancellation& cancellation) {
  if (!HasNetplan(files_, "/")) return NoNetplan("this host");
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<Previous> unfinished, ReadRecord(record));
  if (unfinished && !IsOurs(job_id)) {
    if (unfinished->job_id == job_id) return Restarted();
    // Of a job whose way back failed.
    TRIDENT_RETURN_IF_ERROR(Annotate(Undo(record), "take an earlier change of the network back"));
  }
  if (!IsOurs(job_id)) {
    Applied applied{.job_id = job_id, .before = {}, .at = 0};
    TRIDENT_ASSIGN_OR_RETURN(applied.before, ObserveReachability(network_));
    // Who was gone before the change cannot tell anything about it.
    std::erase_if(applied.before.connections,
                  [](const InboundConnection& connection) { return connection.stuck; });
    TRIDENT_RETURN_IF_ERROR(
        Annotate(WriteRecord(record, job_id), "keep what the network is before its change"));
    applied_ = std::move(applied);
  }
  if (network) {
    TRIDENT_RETURN_IF_ERROR(WriteNetplan(files_, "/", *network));
  } else {
    TRIDENT_RETURN_IF_ERROR(Annotate(files_.Remove(kNetplanPath), "remove netplan's document"));
  }
  TRIDENT_RETURN_IF_ERROR(ApplyNetplan(commands_, &cancellation));
  applied_->at = clock_.BootNanos();
  return absl::OkStatus();
}

absl::Status LiveNetwork::AwaitConfirmation(const std::string& job_id, const std::string& record,
                                            const Waiting& waiting) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<Previous> previous, ReadRecord(record));
  // Accepted already; only the end of the step was not written down.
  if (!previous) return absl::OkStatus();
  if (!IsOurs(job_id)) return Restarted();
  const auto since_apply = [this] {
    return std::chrono::duration_cast<milliseconds>(
        std::chrono::nanoseconds(clock_.BootNanos() - applied_->at));
  };
  const std::string limit = absl::StrCat(Seconds(options_.limit), " seconds");
  waiting.tell(absl::StrCat("the network is changed; unless it shows within ", limit,
                            " that the host can still be reached, or the change is confirmed "
                            "(tridentctl commit), it is taken back"));
  std::string missing = "the network has just been changed";
  milliseconds next_word = options_.settling;
  while (true) {
    if (waiting.cancellation.WaitFor(options_.interval)) {
      return MakeError(absl::StatusCode::kCancelled, "cancelled", "cancelled",
                       "waiting for the confirmation of the network was cancelled");
    }
    const milliseconds elapsed = since_apply();
    std::string accepted;
    if (waiting.confirmed()) accepted = "it was confirmed";
    if (accepted.empty() && elapsed > options_.settling) {
      const absl::StatusOr<ReachabilityVerdict> verdict =
          JudgeReachability(network_, applied_->before, elapsed - options_.settling);
      missing = verdict.ok() ? verdict->words : std::string{verdict.status().message()};
      if (verdict.ok() && verdict->proven) accepted = verdict->words;
    }
    if (!accepted.empty()) {
      TRIDENT_RETURN_IF_ERROR(GiveUp(record));
      applied_.reset();
      waiting.tell(absl::StrCat("the changed network is kept: ", accepted));
      return absl::OkStatus();
    }
    if (elapsed >= options_.limit) break;
    if (elapsed >= next_word) {
      next_word = elapsed + options_.telling;
      waiting.tell(absl::StrCat("the changed network is taken back in ",
                                Seconds(options_.limit - elapsed),
                                " seconds unless it is "
                                "confirmed: ",
                                missing));
    }
  }
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, "network", "not-confirmed",
      absl::StrCat("within ", limit,
                   " of its change nothing showed that this host can still be "
                   "reached over its network (",
                   missing, "), so the change is taken back"),
      "Mend `network` in the Host Configuration; if it is right, submit it again with force and "
      "confirm it in time with `tridentctl commit`.");
}

absl::Status LiveNetwork::Undo(const std::string& record) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<Previous> previous, ReadRecord(record));
  applied_.reset();
  if (!previous) return absl::OkStatus();
  if (previous->document) {
    TRIDENT_RETURN_IF_ERROR(Annotate(files_.Write(kNetplanPath, *previous->document, 0600),
                                     "restore netplan's document"));
  } else {
    TRIDENT_RETURN_IF_ERROR(Annotate(files_.Remove(kNetplanPath), "remove netplan's document"));
  }
  TRIDENT_RETURN_IF_ERROR(ApplyNetplan(commands_, nullptr));
  return GiveUp(record);
}

}  // namespace trident
