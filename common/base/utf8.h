// Checks of text that comes from outside.
#ifndef TRIDENT_COMMON_BASE_UTF8_H_
#define TRIDENT_COMMON_BASE_UTF8_H_

#include <cstddef>
#include <string_view>

namespace trident {

// Length in bytes of the well-formed UTF-8 character at the beginning of `text`; 0 when there is
// none (Unicode 15, table 3-7: no overlong forms, no surrogates).
size_t Utf8CharacterLength(std::string_view text);

// Offset of the first byte that is not well-formed UTF-8; npos when all is.
size_t FindInvalidUtf8(std::string_view text);

}  // namespace trident

#endif  // TRIDENT_COMMON_BASE_UTF8_H_
