// What the output is shown on.
#ifndef TRIDENT_CLIENT_TERMINAL_H_
#define TRIDENT_CLIENT_TERMINAL_H_

#include <cstddef>
#include <functional>

namespace trident::client {

struct Terminal {
  bool live = false;    // a terminal: lines may be drawn over
  bool colour = false;  // live, and NO_COLOR is not set
  // Columns, asked anew because windows are resized.
  std::function<size_t()> width = [] { return size_t{80}; };
};

// Of the file descriptor; the width is the window's, else COLUMNS, else 80.
Terminal DetectTerminal(int descriptor);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_TERMINAL_H_
