// Small helpers for text. Debian builds Abseil with a string_view of its own, so that its functions
// do not take std::string_view.
#ifndef TRIDENT_AGENT_BOOT_TEXT_H_
#define TRIDENT_AGENT_BOOT_TEXT_H_

#include <string_view>
#include <vector>

namespace trident {

// ASCII letters only.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);
bool StartsWithIgnoringCase(std::string_view text, std::string_view prefix);
bool EndsWithIgnoringCase(std::string_view text, std::string_view suffix);

// Without the white space at its beginning, or at both ends.
std::string_view TrimLeft(std::string_view text);
std::string_view Trim(std::string_view text);

// Removes the prefix or suffix when it is there, and says whether it was.
bool ConsumePrefix(std::string_view& text, std::string_view prefix);
bool ConsumeSuffix(std::string_view& text, std::string_view suffix);

// The parts between the separators, empty ones too.
std::vector<std::string_view> Split(std::string_view text, char separator);
// The words between white space.
std::vector<std::string_view> SplitWords(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_TEXT_H_
