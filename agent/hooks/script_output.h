// What a script says, on its way into the job's log: as lines, and never more than is bearable.
#ifndef TRIDENT_AGENT_HOOKS_SCRIPT_OUTPUT_H_
#define TRIDENT_AGENT_HOOKS_SCRIPT_OUTPUT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace trident {

// Each line of the job's log is a transaction of the store. A script may say a few hundred lines at
// once and then some more every second; what is beyond that is counted instead.
struct OutputLimits {
  size_t line_bytes = 1024;        // of a longer line the rest is left out
  double burst_lines = 200;        // at once
  double lines_per_second = 10;    // on average
  uint64_t total_bytes = 1 << 20;  // of one script
  // Kept for the message about a failure.
  size_t last_lines = 10;
  size_t last_bytes = 1024;
};

class ScriptOutput {
 public:
  using Log = std::function<void(std::string_view line)>;
  using Now = std::function<std::chrono::nanoseconds()>;

  ScriptOutput(const OutputLimits& limits, Log log, Now now);

  // A piece of any size. Each whole line goes to `log`, as long as the limits allow: well-formed
  // UTF-8 without control characters.
  void Take(std::string_view chunk);
  // The script has ended: the last line may lack its end. Says how much was left out.
  void Finish();

  // The end of what it said, also of what was left out of the log; joined by " | ".
  std::string LastLines() const;

 private:
  void EndLine();
  bool MayLog(size_t bytes);
  void TellOmitted();

  const OutputLimits limits_;
  const Log log_;
  const Now now_;
  std::string line_;         // the beginning of the line that is not whole yet
  uint64_t line_bytes_ = 0;  // of all of it
  double tokens_;
  std::chrono::nanoseconds refilled_;
  uint64_t logged_bytes_ = 0;
  uint64_t omitted_lines_ = 0;
  uint64_t omitted_bytes_ = 0;
  std::deque<std::string> last_;
};

// `text` as one line that may go everywhere: control characters and bytes that are no UTF-8 become
// "?", tabs blanks.
std::string PrintableLine(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOOKS_SCRIPT_OUTPUT_H_
