#include "agent/hooks/script_output.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/utf8.h"

namespace trident {

ScriptOutput::ScriptOutput(const OutputLimits& limits, Log log, Now now)
    : limits_(limits),
      log_(std::move(log)),
      now_(std::move(now)),
      tokens_(limits.burst_lines),
      refilled_(now_()) {}

void ScriptOutput::Take(std::string_view chunk) {
  while (!chunk.empty()) {
    const size_t end = chunk.find('\n');
    const std::string_view part = chunk.substr(0, end);
    line_bytes_ += part.size();
    // A line without an end must not grow the agent.
    if (line_.size() < limits_.line_bytes) {
      line_ += part.substr(0, limits_.line_bytes - line_.size());
    }
    if (end == std::string_view::npos) return;
    EndLine();
    chunk.remove_prefix(end + 1);
  }
}

void ScriptOutput::Finish() {
  if (line_bytes_ > 0) EndLine();
  TellOmitted();
}

void ScriptOutput::EndLine() {
  std::string line = PrintableLine(line_);
  if (line_bytes_ > line_.size()) {
    absl::StrAppend(&line, "... (", line_bytes_ - line_.size(), " more bytes)");
  }
  if (MayLog(line.size())) {
    TellOmitted();
    log_(line);
  } else {
    ++omitted_lines_;
    omitted_bytes_ += line_bytes_ + 1;
  }
  last_.push_back(std::move(line));
  if (last_.size() > limits_.last_lines) last_.pop_front();
  line_.clear();
  line_bytes_ = 0;
}

bool ScriptOutput::MayLog(size_t bytes) {
  const std::chrono::nanoseconds now = now_();
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  refilled_ = now;
  tokens_ = std::min(limits_.burst_lines, tokens_ + seconds * limits_.lines_per_second);
  if (tokens_ < 1 || logged_bytes_ + bytes > limits_.total_bytes) return false;
  tokens_ -= 1;
  logged_bytes_ += bytes;
  return true;
}

void ScriptOutput::TellOmitted() {
  if (omitted_lines_ == 0) return;
  log_(absl::StrCat("... ", omitted_lines_, " lines of its output, ", omitted_bytes_,
                    " bytes, are left out here"));
  omitted_lines_ = 0;
  omitted_bytes_ = 0;
}

std::string ScriptOutput::LastLines() const {
  std::string text = absl::StrJoin(last_, " | ");
  if (text.size() <= limits_.last_bytes) return text;
  size_t begin = text.size() - limits_.last_bytes;
  // Not in the middle of a character.
  while (begin < text.size() && Utf8CharacterLength(std::string_view{text}.substr(begin)) == 0) {
    ++begin;
  }
  return absl::StrCat("... ", text.substr(begin));
}

std::string PrintableLine(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const size_t length = Utf8CharacterLength(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (text[0] == '\t') {
      line += ' ';
    } else if (length == 0 || first < 0x20 || first == 0x7F) {
      // A carriage return before the end of the line is only its end.
      if (text != "\r") line += '?';
    } else {
      line += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return line;
}

}  // namespace trident
