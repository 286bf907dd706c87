#include "agent/kickstart/script_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/base/yaml_document.h"

namespace trident {

void ScriptLog::Add(std::string_view piece) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    const size_t room = lines_ < kMostLoggedLines ? kLongestLoggedLine - line_.size() : 0;
    line_ += part.substr(0, room);
    dropped_ += part.size() - std::min(part.size(), room);
    has_line_ = true;
    if (end == std::string_view::npos) return;
    LogLine();
    piece.remove_prefix(end + 1);
  }
}

void ScriptLog::End() {
  if (has_line_) LogLine();
  if (dropped_ > 0) spdlog::warn("{}: {} bytes of what it said were not logged", name_, dropped_);
}

void ScriptLog::LogLine() {
  if (lines_ < kMostLoggedLines) {
    // Nothing that a script says may steer a terminal.
    spdlog::info("{}: {}", name_, Shorten(line_, kLongestLoggedLine));
    ++lines_;
  }
  line_.clear();
  has_line_ = false;
}

}  // namespace trident
