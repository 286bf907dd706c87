// Watches a job to its end, across reboots of the host and restarts of the agent.
#ifndef TRIDENT_CLIENT_FOLLOWER_H_
#define TRIDENT_CLIENT_FOLLOWER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/connection.h"
#include "client/renderer.h"
#include "client/session.h"
#include "proto/trident.pb.h"

namespace trident::client {

class Follower {
 public:
  // Both must outlive the follower.
  Follower(Session& session, Renderer& renderer) : session_(session), renderer_(renderer) {
    session_.interrupt.Attend();
  }

  // Submits and watches. `file` names the document in findings. Returns the exit code.
  int Update(const pb::HostUpdateRequest& request, const std::string& file);

  // Watches a job from `position`, a snapshot's journal_id and newest_sequence, on.
  int FollowJob(const std::string& job_id, const pb::HostStatusState& position);

  // Watches everything, until interrupted.
  int FollowHost();

 private:
  using Clock = std::chrono::steady_clock;

  // What one stream came to.
  enum class Ended { kDone, kLost, kRefused };

  // Reads a stream to its end. `update`: it is UpdateHost's.
  Ended Read(grpc::ClientReader<pb::HostStatusState>& reader, bool update);
  void Observe(const pb::HostStatusState& message, bool update);
  // A resumed stream that has shown everything that was there knows what became of the job.
  void ConcludeFromSnapshot();
  // Connects again and again until the job has ended or patience has.
  int Resume();
  // The outcome of a job that is not the newest any more.
  void ConcludeFromRecords();
  bool Watching() const { return !job_id_.empty(); }
  void BeginToWait();
  int Conclude(const grpc::Status& status);
  int Interrupted();
  int OutOfPatience();

  Session& session_;
  Renderer& renderer_;
  std::string file_;
  std::string job_id_;  // empty: none known, or everything is watched
  std::string journal_id_;
  std::optional<uint64_t> sequence_;  // the last one seen
  bool transition_allowed_ = true;
  std::optional<pb::Outcome> outcome_;  // how the job ended
  bool rebooting_ = false;
  // The newest snapshot of a resumed stream.
  std::optional<pb::Job> snapshot_job_;
  uint64_t snapshot_sequence_ = 0;
  // Since when there is no agent to hear from.
  std::optional<Clock::time_point> waiting_since_;
  std::chrono::milliseconds pause_{0};
  grpc::Status status_;  // of the last stream
};

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_FOLLOWER_H_
