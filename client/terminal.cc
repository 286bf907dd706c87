#include "client/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "absl/strings/numbers.h"

namespace trident::client {
namespace {

constexpr size_t kUsualWidth = 80;

size_t WidthOf(int descriptor) {
  winsize size = {};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  uint32_t number = 0;
  if (columns != nullptr && absl::SimpleAtoi(columns, &number) && number > 0) return number;
  return kUsualWidth;
}

}  // namespace

Terminal DetectTerminal(int descriptor) {
  Terminal terminal;
  const char* name = std::getenv("TERM");
  terminal.live = isatty(descriptor) == 1 && name != nullptr && std::string_view(name) != "dumb";
  // https://no-color.org: set and not empty.
  const char* no_colour = std::getenv("NO_COLOR");
  terminal.colour = terminal.live && (no_colour == nullptr || *no_colour == '\0');
  terminal.width = [descriptor] { return WidthOf(descriptor); };
  return terminal;
}

}  // namespace trident::client
