// Lines taken apart as a shell would do it.
#ifndef TRIDENT_COMMON_KICKSTART_SHELL_WORDS_H_
#define TRIDENT_COMMON_KICKSTART_SHELL_WORDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trident::kickstart {

// Words with quotes and backslashes resolved (POSIX.1-2017, Shell Command Language 2.2), without
// expansions; a "#" at the beginning of a word begins a comment. Nothing when a quote or a final
// backslash is left open.
std::optional<std::vector<std::string>> SplitShellWords(std::string_view text);

// What stands before the first blank, blanks in front left out. Quotes mean nothing here.
std::string_view FirstWord(std::string_view text);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_SHELL_WORDS_H_
