#include "agent/hooks/script_output.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace trident {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using Lines = std::vector<std::string>;

// Hears what goes into the log, at a time that the test sets.
struct Listener {
  Lines lines;
  nanoseconds now{0};

  ScriptOutput Make(const OutputLimits& limits = {}) {
    return {limits, [this](std::string_view line) { lines.emplace_back(line); },
            [this] { return now; }};
  }
};

TEST_CASE("lines are told as soon as they are whole, however they arrive") {
  Listener listener;
  ScriptOutput output = listener.Make();
  output.Take("on");
  CHECK(listener.lines.empty());
  output.Take("e\ntwo\n\nth");
  CHECK(listener.lines == Lines{"one", "two", ""});
  output.Take("ree");
  output.Finish();
  CHECK(listener.lines == Lines{"one", "two", "", "three"});
  CHECK(output.LastLines() == "one | two |  | three");
}

TEST_CASE("a line is made fit for every place that it goes to") {
  CHECK(PrintableLine("plain text") == "plain text");
  CHECK(PrintableLine("a\tb\r") == "a b");
  CHECK(PrintableLine("\x1b[31mred\x7f") == "?[31mred?");
  CHECK(PrintableLine("caf\xc3\xa9 \xe2\x82\xac") == "caf\xc3\xa9 \xe2\x82\xac");
  CHECK(PrintableLine("\xff\xc3(\xe2\x82") ==
        "?"
        "?(?"
        "?");
  CHECK(PrintableLine(std::string_view("a\0b", 3)) == "a?b");
}

TEST_CASE("the rest of a long line is left out, and said to be") {
  Listener listener;
  OutputLimits limits;
  limits.line_bytes = 4;
  ScriptOutput output = listener.Make(limits);
  output.Take("12345678");
  output.Take("9\nshort\n");
  CHECK(listener.lines == Lines{"1234... (5 more bytes)", "shor... (1 more bytes)"});
}

TEST_CASE("a flood is counted instead of told, and what comes later is told again") {
  Listener listener;
  OutputLimits limits;
  limits.burst_lines = 2;
  limits.lines_per_second = 1;
  ScriptOutput output = listener.Make(limits);
  for (int i = 0; i < 1000; ++i) output.Take("xxxxxxxxx\n");
  CHECK(listener.lines.size() == 2);
  listener.now += milliseconds(1500);
  output.Take("later\n");
  CHECK(listener.lines == Lines{"xxxxxxxxx", "xxxxxxxxx",
                                "... 998 lines of its output, 9980 bytes, are left out here",
                                "later"});
  output.Take("again\n");
  output.Finish();
  CHECK(listener.lines.back() == "... 1 lines of its output, 6 bytes, are left out here");
  CHECK_THAT(output.LastLines(), Catch::EndsWith("xxxxxxxxx | later | again"));
}

TEST_CASE("one script does not fill the store, however slowly it speaks") {
  Listener listener;
  OutputLimits limits;
  limits.total_bytes = 100;
  ScriptOutput output = listener.Make(limits);
  for (int i = 0; i < 100; ++i) {
    listener.now += std::chrono::seconds(10);
    output.Take("1234567890\n");
  }
  output.Finish();
  REQUIRE(listener.lines.size() == 11);
  CHECK(listener.lines.back() == "... 90 lines of its output, 990 bytes, are left out here");
}

TEST_CASE("of what was said last only the end is kept, in whole characters") {
  Listener listener;
  OutputLimits limits;
  limits.last_lines = 2;
  limits.last_bytes = 7;
  ScriptOutput output = listener.Make(limits);
  output.Take("gone\n\xc3\xa9\xc3\xa9\nend\n");
  CHECK(output.LastLines() == "...  | end");
}

TEST_CASE("an endless line does not grow what is kept") {
  Listener listener;
  ScriptOutput output = listener.Make();
  const std::string chunk(65536, 'x');
  for (int i = 0; i < 1000; ++i) output.Take(chunk);
  output.Finish();
  REQUIRE(listener.lines.size() == 1);
  CHECK(listener.lines[0].size() < 1100);
  CHECK_THAT(listener.lines[0], Catch::EndsWith("more bytes)"));
}

}  // namespace
}  // namespace trident
