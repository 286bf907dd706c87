// What a script says, line by line in the agent's log.
#ifndef TRIDENT_AGENT_KICKSTART_SCRIPT_LOG_H_
#define TRIDENT_AGENT_KICKSTART_SCRIPT_LOG_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace trident {

// At most so many lines of a script are logged, and so many bytes of each.
inline constexpr size_t kMostLoggedLines = 2000;
inline constexpr size_t kLongestLoggedLine = 1000;

class ScriptLog {
 public:
  // `name`: of the script, before every line.
  explicit ScriptLog(std::string name) : name_(std::move(name)) {}

  // The next piece of what the script says.
  void Add(std::string_view piece);
  // The script has ended: logs what is left, and how much was dropped.
  void End();

  size_t lines() const { return lines_; }      // logged
  size_t dropped() const { return dropped_; }  // bytes that are not in the log

 private:
  void LogLine();

  const std::string name_;
  std::string line_;  // that has not ended yet, as far as it is logged
  bool has_line_ = false;
  size_t lines_ = 0;
  size_t dropped_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_KICKSTART_SCRIPT_LOG_H_
