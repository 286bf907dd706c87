#include "common/base/yaml_fault.h"

#include <yaml-cpp/parser.h>

#include <exception>
#include <sstream>
#include <utility>

#include "common/base/strings.h"

namespace trident {
namespace {

constexpr std::string_view kTab = "a tab stands in the indentation";
constexpr std::string_view kUseBlanks = "Indent with blanks.";

struct Words {
  std::string_view message;  // of yaml-cpp
  std::string_view reason;
  std::string_view remedy;
};

// What the parser's message means, and what to do.
void Translate(std::string_view message, std::string& reason, std::string& remedy) {
  constexpr char kCheckColon[] =
      "Put a text that has \": \" in it into quotes; otherwise check the indentation of this "
      "line and of the one above.";
  constexpr char kAlign[] = "Indent the line like those that it belongs to.";

  const Words words[] = {
      {YAML::ErrorMsg::TAB_IN_INDENTATION, kTab, kUseBlanks},
      {YAML::ErrorMsg::END_OF_SEQ,
       "the indentation fits nothing above: an item of the list (\"- \") or its end is expected "
       "here",
       kAlign},
      {YAML::ErrorMsg::END_OF_MAP,
       "the indentation fits nothing above: a key with its colon or the end of the mapping is "
       "expected here",
       kAlign},
      {YAML::ErrorMsg::MAP_VALUE, "a colon cannot stand here", kCheckColon},
      {YAML::ErrorMsg::MAP_KEY, "a key cannot stand here", kCheckColon},
      {YAML::ErrorMsg::BLOCK_ENTRY, "an item of a list (\"- \") cannot stand here",
       "Give it a line of its own, and check the indentation."},
      {YAML::ErrorMsg::FLOW_END, "a bracket is closed here that was not opened",
       "Remove the bracket, or put a text that has brackets in it into quotes."},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR, "the alias (*name) refers to an anchor that is not there",
       "Define the anchor (&name) before the alias, or put a text that begins with * into quotes."},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "a text cannot begin with this character",
       "Put the text into quotes."},
  };
  for (const Words& known : words) {
    if (known.message != message) continue;
    reason = known.reason;
    remedy = known.remedy;
  }
}

// Where the indentation of line `line`, from 0, has a tab.
std::optional<size_t> FindTabInIndentation(std::string_view text, int line) {
  size_t begin = 0;
  for (int i = 0; i < line && begin != std::string_view::npos; ++i) {
    begin = text.find('\n', begin);
    if (begin != std::string_view::npos) ++begin;
  }
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t tab = text.find_first_not_of(' ', begin);
  if (tab == std::string_view::npos || text[tab] != '\t') return std::nullopt;
  return tab;
}

bool IsUnclosedQuote(const YAML::Exception& error) {
  return error.msg == YAML::ErrorMsg::EOF_IN_SCALAR || error.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
}

// The text ends within a quoted string.
bool EndsInQuotes(std::string_view text) {
  try {
    std::istringstream stream(EndYamlDocument(text));
    YAML::Parser parser(stream);
    YamlIgnorer ignorer;
    while (parser.HandleNextDocument(ignorer)) {
    }
  } catch (const YAML::Exception& error) {
    return IsUnclosedQuote(error);
  } catch (const std::exception&) {
    return false;
  }
  return false;
}

// The last quote that is no part of a quoted string of its own kind.
size_t LastQuote(std::string_view text, char quote) {
  size_t at = text.rfind(quote);
  while (at != std::string_view::npos && at != 0) {
    if (quote == '"' && text[at - 1] == '\\') {  // \" within "..."
      at = text.rfind(quote, at - 1);
    } else if (quote == '\'' && text[at - 1] == '\'' && at != 1) {  // '' within '...'
      at = text.rfind(quote, at - 2);
    } else {
      break;
    }
  }
  return at;
}

// Where the quoted string begins that reaches to the end of the text: what comes before it does not
// end within quotes.
std::optional<size_t> FindUnclosedQuote(std::string_view text) {
  for (const char quote : {'"', '\''}) {
    const size_t at = LastQuote(text, quote);
    if (at != std::string_view::npos && EndsInQuotes(text.substr(0, at + 1)) &&
        !EndsInQuotes(text.substr(0, at))) {
      return at;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string EndYamlDocument(std::string_view text) {
  return StrCat(text, text.ends_with('\n') || text.empty() ? "" : "\n", "...\n");
}

uint32_t LineOf(const YAML::Mark& mark) {
  return mark.line < 0 ? 0 : static_cast<uint32_t>(mark.line) + 1;
}

uint32_t ColumnOf(const YAML::Mark& mark) {
  return mark.column < 0 ? 0 : static_cast<uint32_t>(mark.column) + 1;
}

Finding FindingAtOffset(std::string_view text, size_t offset, std::string reason,
                        std::string remedy) {
  Finding finding;
  finding.line = 1;
  finding.column = 1;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++finding.line;
      finding.column = 1;
    } else {
      ++finding.column;
    }
  }
  finding.reason = std::move(reason);
  finding.remedy = std::move(remedy);
  return finding;
}

Finding DescribeYamlFault(std::string_view text, const YAML::Exception& error,
                          const std::optional<OpenBracket>& bracket) {
  constexpr std::string_view kPrefix = "not valid YAML: ";
  if (IsUnclosedQuote(error)) {
    constexpr char kClose[] = "Close the text with the quote that it begins with, ' or \".";
    if (const auto offset = FindUnclosedQuote(text)) {
      return FindingAtOffset(
          text, *offset, StrCat(kPrefix, "the quoted text that begins here is not closed"), kClose);
    }
    return {"", LineOf(error.mark), ColumnOf(error.mark),
            StrCat(kPrefix, "a quoted text is not closed until here"), kClose};
  }
  // What the parser says of a line with a tab depends on what stood before it.
  if (const auto tab = FindTabInIndentation(text, error.mark.line); tab && !bracket) {
    return FindingAtOffset(text, *tab, StrCat(kPrefix, kTab), std::string(kUseBlanks));
  }
  std::string reason = error.msg;
  std::string remedy = "Correct the YAML at this place: check indentation, colons and quotes.";
  if (bracket && (error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW ||
                  error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW)) {
    reason = StrCat(bracket->is_list ? "the list that \"[\"" : "the mapping that \"{\"",
                    " begins in line ", bracket->line, ", column ", bracket->column,
                    " does not go on and is not closed here");
    remedy = StrCat("Close it with \"", bracket->is_list ? "]" : "}",
                    "\", or add the comma that is missing.");
  } else {
    Translate(error.msg, reason, remedy);
  }
  return {"", LineOf(error.mark), ColumnOf(error.mark), StrCat(kPrefix, reason), std::move(remedy)};
}

}  // namespace trident
