#include "common/kickstart/arguments.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"

namespace trident::kickstart {
namespace {

const OptionSpec* FindOption(const CommandSpec& spec, std::string_view name) {
  for (const OptionSpec& option : spec.options) {
    if (option.name == name || (!option.alias.empty() && option.alias == name)) return &option;
  }
  return nullptr;
}

}  // namespace

std::optional<Arguments> Arguments::Parse(const CommandSpec& spec, const Line& line,
                                          std::span<const std::string> words,
                                          ProblemList& problems) {
  Arguments arguments(spec, line, problems);
  std::span<const std::string> rest = words.subspan(1);
  bool only_words = false;
  while (!rest.empty()) {
    const std::string& word = rest.front();
    rest = rest.subspan(1);
    if (!only_words && word == "--") {
      only_words = true;
    } else if (!only_words && word.starts_with('-') && word.size() > 1) {
      arguments.TakeOption(spec, word, rest);
    } else {
      arguments.TakeWord(spec, word);
    }
  }
  if (!arguments.ok()) return std::nullopt;
  if (spec.word_is_required && !arguments.has_word()) {
    arguments.Fail(StrCat("the ", spec.word, " is missing"));
    return std::nullopt;
  }
  return arguments;
}

void Arguments::TakeOption(const CommandSpec& spec, const std::string& word,
                           std::span<const std::string>& rest) {
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const OptionSpec* const option = FindOption(spec, name);
  if (option == nullptr) {
    has_unknown_ = true;
    Fail(spec.has_secret_words && !name.starts_with("--")
             ? std::string("an option with one dash is not known; write -- before a password that "
                           "begins with a dash")
             : StrCat("the option ", Shorten(name), " is not known"));
    return;
  }
  const std::string key(option->name);
  if (option->kind == OptionKind::kFlag) {
    if (equals != std::string::npos) {
      Fail(StrCat("the option ", name, " takes no value"));
    } else if (!values_.emplace(key, "").second) {
      Fail(StrCat("the option ", name, " is there twice"));
    }
    return;
  }
  std::string value;
  if (equals != std::string::npos) {
    value = word.substr(equals + 1);
  } else if (!rest.empty() && !rest.front().starts_with("--")) {
    value = rest.front();
    rest = rest.subspan(1);
  } else {
    Fail(StrCat("the option ", name, " needs a value"));
    return;
  }
  if (value.empty() && option->kind != OptionKind::kText) {
    Fail(StrCat("the value of the option ", name, " is empty"));
    return;
  }
  const auto [entry, is_new] = values_.emplace(key, value);
  if (is_new) return;
  if (option->kind == OptionKind::kList) {
    StrAppend(&entry->second, ",", value);
  } else {
    Fail(StrCat("the option ", name, " is there twice"));
  }
}

void Arguments::TakeWord(const CommandSpec& spec, const std::string& word) {
  if (!spec.word.empty() && !has_word_) {
    word_ = word;
    has_word_ = true;
    return;
  }
  // It may be the value of an option that is not known.
  if (has_unknown_) return;
  const std::string shown =
      spec.has_secret_words ? "a further word" : StrCat("the word \"", Shorten(word), "\"");
  Fail(spec.word.empty() ? StrCat(shown, " is not expected: only options are")
                         : StrCat(shown, " is not expected: there is one ", spec.word,
                                  "; quote it when it has blanks"));
}

const std::string& Arguments::Text(std::string_view option) const {
  static const std::string kNone;
  const auto found = values_.find(option);
  return found == values_.end() ? kNone : found->second;
}

std::optional<uint64_t> Arguments::Unsigned(std::string_view option, uint64_t most) {
  if (!Has(option)) return std::nullopt;
  const auto number = ParseNumber(Text(option), most);
  if (!number) {
    Fail(StrCat(option, "=", Shorten(Text(option)), ": expected a number from 0 to ", most));
  }
  return number;
}

std::optional<size_t> Arguments::Choice(std::string_view option,
                                        std::initializer_list<std::string_view> choices) {
  if (!Has(option)) return std::nullopt;
  const auto found = std::find(choices.begin(), choices.end(), Text(option));
  if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
  Fail(StrCat(option, "=", Shorten(Text(option)), ": expected one of ", StrJoin(choices, ", ")));
  return std::nullopt;
}

std::optional<std::string> Arguments::Ipv4(std::string_view option) {
  if (!Has(option)) return std::nullopt;
  if (IsIpv4(Text(option))) return Text(option);
  Fail(StrCat(option, "=", Shorten(Text(option)), ": expected an IPv4 address such as 192.0.2.7"));
  return std::nullopt;
}

std::optional<std::string> Arguments::Ipv6(std::string_view option) {
  if (!Has(option)) return std::nullopt;
  if (IsIpv6(Text(option))) return Text(option);
  Fail(
      StrCat(option, "=", Shorten(Text(option)), ": expected an IPv6 address such as 2001:db8::7"));
  return std::nullopt;
}

std::optional<std::string> Arguments::OfFormat(std::string_view option, Format format) {
  if (!Has(option)) return std::nullopt;
  const auto fault = CheckFormat(format, Text(option));
  if (!fault) return Text(option);
  Fail(StrCat(option, "=", Shorten(Text(option)), ": ", fault->reason, ". ", fault->remedy));
  return std::nullopt;
}

std::vector<std::string> Arguments::List(std::string_view option) {
  std::vector<std::string> parts;
  if (!Has(option)) return parts;
  bool has_empty = false;
  for (const std::string_view part : StrSplit(Text(option), ',')) {
    const std::string_view stripped = StripWhitespace(part);
    has_empty |= stripped.empty();
    if (!stripped.empty()) parts.emplace_back(stripped);
  }
  if (has_empty) {
    Fail(StrCat(option, "=", Shorten(Text(option)),
                ": a part between two commas is empty; write a,b,c"));
  }
  return parts;
}

std::vector<std::string> Arguments::ListOf(std::string_view option, Format format) {
  std::vector<std::string> good;
  for (std::string& part : List(option)) {
    if (const auto fault = CheckFormat(format, part)) {
      Fail(StrCat(option, ": \"", Shorten(part), "\" ", fault->reason, ". ", fault->remedy));
    } else {
      good.push_back(std::move(part));
    }
  }
  return good;
}

std::vector<std::string> Arguments::Addresses(std::string_view option) {
  std::vector<std::string> good;
  for (std::string& part : List(option)) {
    if (IsIpv4(part) || IsIpv6(part)) {
      good.push_back(std::move(part));
    } else {
      Fail(StrCat(option, ": \"", Shorten(part), "\" is no IP address"));
    }
  }
  return good;
}

bool Arguments::AtMostOne(std::initializer_list<std::string_view> options) {
  std::vector<std::string_view> given;
  for (const std::string_view option : options) {
    if (Has(option)) given.push_back(option);
  }
  if (given.size() < 2) return true;
  Fail(StrCat("the options ", StrJoin(given, " and "), " exclude each other"));
  return false;
}

bool Arguments::Needs(std::string_view option, std::string_view other) {
  if (!Has(option) || Has(other)) return true;
  Fail(StrCat("the option ", option, " needs ", other));
  return false;
}

void Arguments::Fail(ProblemKind kind, std::string_view message) {
  ok_ = ok_ && kind == ProblemKind::kSemanticWarning;
  problems_->Add(kind, *line_, StrCat(command_, ": ", message));
}

bool IsIpv4(const std::string& text) {
  in_addr address;
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool IsIpv6(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t most) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), IsAsciiDigit)) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > most) return std::nullopt;
  return number;
}

}  // namespace trident::kickstart
