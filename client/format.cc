#include "client/format.h"

#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace trident::client {
namespace {

using Json = nlohmann::ordered_json;

void Emit(const Json& value, YAML::Emitter& out) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      Emit(item, out);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    if (value.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const Json& item : value) Emit(item, out);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    const std::string text = value.get<std::string>();
    if (text.find('\n') != std::string::npos) out << YAML::Literal;
    out << text;
  } else if (value.is_boolean()) {
    out << value.get<bool>();
  } else {
    out << value.dump();
  }
}

}  // namespace

std::string FormatBytes(double bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return absl::StrFormat("%.0f B", std::max(bytes, 0.0));
  size_t unit = 0;
  bytes /= 1024;
  // What would be printed as 1024.0 belongs to the next unit.
  while (bytes >= 1023.95 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

std::string FormatDuration(double seconds) {
  seconds = std::max(seconds, 0.0);
  if (seconds < 9.95) return absl::StrFormat("%.1f s", seconds);
  const int64_t whole = std::llround(seconds);
  if (whole < 60) return absl::StrFormat("%d s", whole);
  if (whole < 3600) return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
  return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string StateName(pb::JobState state) {
  const std::string prefix = "JOB_STATE_";
  std::string name = pb::JobState_Name(state);
  if (!name.starts_with(prefix)) return "state-" + std::to_string(state);  // of a newer agent
  name = name.substr(prefix.size());
  for (char& letter : name) {
    letter = letter == '_' ? '-' : static_cast<char>(letter - 'A' + 'a');
  }
  return name;
}

bool IsFinal(pb::JobState state) {
  return state == pb::JOB_STATE_SUCCEEDED || state == pb::JOB_STATE_FAILED ||
         state == pb::JOB_STATE_CANCELLED || state == pb::JOB_STATE_ROLLED_BACK;
}

std::string Printable(std::string_view text) {
  std::string clean(text);
  while (!clean.empty() && clean.back() == '\n') clean.pop_back();
  for (char& letter : clean) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '\n' || letter == '\t') {
      letter = ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      letter = '?';
    }
  }
  return clean;
}

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string DescribeWork(const std::string& servicing_kind, const std::string& target_volume) {
  std::string text = servicing_kind == "none" ? "" : servicing_kind;
  if (!target_volume.empty()) text += (text.empty() ? "onto " : ", onto ") + target_volume;
  return text;
}

std::string ToJson(const google::protobuf::Message& message, bool complete) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = complete;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // Only messages with broken UTF-8 or unknown Any types cannot be printed.
  return status.ok() ? json : "{}";
}

std::string ToYaml(const google::protobuf::Message& message) {
  const Json json = Json::parse(ToJson(message, true), nullptr, /*allow_exceptions=*/false);
  YAML::Emitter out;
  Emit(json, out);
  return std::string(out.c_str()) + '\n';
}

}  // namespace trident::client
