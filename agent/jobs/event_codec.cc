#include "agent/jobs/event_codec.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<StepEvent::State, const char*>, 3> kStepStates = {{
    {StepEvent::State::kStarted, "started"},
    {StepEvent::State::kDone, "done"},
    {StepEvent::State::kFailed, "failed"},
}};
constexpr std::array kPhases = {Phase::kStage, Phase::kFinalize, Phase::kLeave, Phase::kCommit};

std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t NumberOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

const json* ObjectOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

json JobToJson(const JobSummary& job) {
  json result = {{"id", job.id},
                 {"state", JobStateName(job.state)},
                 {"kind", ServicingKindName(job.kind)},
                 {"digest", job.configuration_digest},
                 {"created", job.created_micros},
                 {"updated", job.updated_micros}};
  if (job.target.has_value()) result["target"] = VolumeName(*job.target);
  if (!job.reason.empty()) result["reason"] = job.reason;
  if (job.error.has_value()) result["error"] = ErrorDetailToJson(*job.error);
  return result;
}

std::optional<JobSummary> JobFromJson(const json& object) {
  const auto state = JobStateFromName(TextOf(object, "state"));
  if (!state.has_value()) return std::nullopt;
  JobSummary job;
  job.id = TextOf(object, "id");
  job.state = *state;
  job.kind = ServicingKindFromName(TextOf(object, "kind")).value_or(ServicingKind::kNone);
  job.target = VolumeFromName(TextOf(object, "target"));
  job.configuration_digest = TextOf(object, "digest");
  job.reason = TextOf(object, "reason");
  if (object.contains("error")) {
    auto error = ErrorDetailFromJson(TextOf(object, "error"));
    if (error.ok()) job.error = *std::move(error);
  }
  job.created_micros = NumberOf(object, "created");
  job.updated_micros = NumberOf(object, "updated");
  return job;
}

json StepToJson(const StepEvent& step) {
  json result = {{"id", step.id},
                 {"description", step.description},
                 {"phase", PhaseName(step.phase)},
                 {"index", step.index},
                 {"count", step.count}};
  if (step.bytes_to_write != 0) result["write"] = step.bytes_to_write;
  if (step.bytes_to_fetch != 0) result["fetch"] = step.bytes_to_fetch;
  for (const auto& [state, name] : kStepStates) {
    if (state == step.state) result["state"] = name;
  }
  return result;
}

StepEvent StepFromJson(const json& object) {
  StepEvent step;
  step.id = TextOf(object, "id");
  step.description = TextOf(object, "description");
  const std::string phase = TextOf(object, "phase");
  for (const Phase known : kPhases) {
    if (PhaseName(known) == phase) step.phase = known;
  }
  step.index = static_cast<uint32_t>(NumberOf(object, "index"));
  step.count = static_cast<uint32_t>(NumberOf(object, "count"));
  step.bytes_to_write = static_cast<uint64_t>(NumberOf(object, "write"));
  step.bytes_to_fetch = static_cast<uint64_t>(NumberOf(object, "fetch"));
  const std::string state = TextOf(object, "state");
  for (const auto& [known, name] : kStepStates) {
    if (name == state) step.state = known;
  }
  return step;
}

}  // namespace

std::string EventToJson(const Event& event) {
  json result = {
      {"wall", event.wall_micros}, {"boot", event.boot_id}, {"boottime", event.boottime_nanos}};
  if (event.transition) result["transition"] = true;
  if (event.job.has_value()) result["job"] = JobToJson(*event.job);
  if (event.step.has_value()) result["step"] = StepToJson(*event.step);
  if (event.log.has_value()) {
    result["log"] = {{"level", event.log->level}, {"message", event.log->message}};
  }
  // Messages may quote bytes of a tool's output that are not UTF-8.
  return result.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<Event> EventFromJson(uint64_t sequence, std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return MakeError(absl::StatusCode::kDataLoss, "datastore", "corrupt",
                     absl::StrCat("Event ", sequence, " of the journal cannot be read."));
  }
  Event event;
  event.sequence = sequence;
  event.wall_micros = NumberOf(object, "wall");
  event.boot_id = TextOf(object, "boot");
  event.boottime_nanos = NumberOf(object, "boottime");
  if (const json* job = ObjectOf(object, "job")) event.job = JobFromJson(*job);
  const auto transition = object.find("transition");
  event.transition = event.job.has_value() && transition != object.end() &&
                     transition->is_boolean() && transition->get<bool>();
  if (const json* step = ObjectOf(object, "step")) event.step = StepFromJson(*step);
  if (const json* log = ObjectOf(object, "log")) {
    event.log = LogEvent{TextOf(*log, "level"), TextOf(*log, "message")};
  }
  return event;
}

}  // namespace trident
