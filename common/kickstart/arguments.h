// The options and words of one command, checked against what the command takes.
#ifndef TRIDENT_COMMON_KICKSTART_ARGUMENTS_H_
#define TRIDENT_COMMON_KICKSTART_ARGUMENTS_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/format.h"
#include "common/kickstart/problem.h"
#include "common/kickstart/source.h"

namespace trident::kickstart {

enum class OptionKind {
  kFlag,
  kValue,
  kText,  // a value that may be empty
  kList,  // values with commas between them; the option may be repeated
};

struct OptionSpec {
  std::string_view name;  // with its dashes
  OptionKind kind = OptionKind::kValue;
  std::string_view alias = {};
};

struct CommandSpec {
  std::string_view name;
  std::span<const OptionSpec> options;
  // What the words are that are no options: "mount point". Empty: there are none.
  std::string_view word = {};
  bool word_is_required = false;
  // A word is never quoted in a message.
  bool has_secret_words = false;
};

// Every fault is a problem of kind SyntaxError (or another where a function says so) at the line.
class Arguments {
 public:
  // `words`: all of the line. Nothing when the words do not fit the command: what its values mean
  // is then not known. `problems` must outlive the result.
  static std::optional<Arguments> Parse(const CommandSpec& spec, const Line& line,
                                        std::span<const std::string> words, ProblemList& problems);

  // Of an option by its (first) name.
  bool Has(std::string_view option) const { return values_.find(option) != values_.end(); }
  // Its text; empty when it is not there.
  const std::string& Text(std::string_view option) const;
  // The word that is no option; empty when there is none.
  const std::string& word() const { return word_; }
  bool has_word() const { return has_word_; }

  // The functions below give nothing when the option is not there, and when its value is wrong,
  // which is then a problem.
  std::optional<uint64_t> Unsigned(std::string_view option, uint64_t most);
  // The position of the value in `choices`.
  std::optional<size_t> Choice(std::string_view option,
                               std::initializer_list<std::string_view> choices);
  std::optional<std::string> Ipv4(std::string_view option);
  std::optional<std::string> Ipv6(std::string_view option);
  std::optional<std::string> OfFormat(std::string_view option, Format format);
  // The parts of a kList; empty parts are a problem.
  std::vector<std::string> List(std::string_view option);
  std::vector<std::string> ListOf(std::string_view option, Format format);
  // Each part an address of either family.
  std::vector<std::string> Addresses(std::string_view option);

  // At most one of these may be there. False, with a problem, when there are more.
  bool AtMostOne(std::initializer_list<std::string_view> options);
  // `option`, when it is there, needs `other`.
  bool Needs(std::string_view option, std::string_view other);

  // "command: message".
  void Fail(ProblemKind kind, std::string_view message);
  void Fail(std::string_view message) { Fail(ProblemKind::kSyntaxError, message); }
  // Nothing failed so far. Warnings do not count.
  bool ok() const { return ok_; }

  const Line& line() const { return *line_; }

 private:
  Arguments(const CommandSpec& spec, const Line& line, ProblemList& problems)
      : command_(spec.name), line_(&line), problems_(&problems) {}

  void TakeOption(const CommandSpec& spec, const std::string& word,
                  std::span<const std::string>& rest);
  void TakeWord(const CommandSpec& spec, const std::string& word);

  std::string command_;
  const Line* line_;
  ProblemList* problems_;
  std::map<std::string, std::string, std::less<>> values_;
  std::string word_;
  bool has_word_ = false;
  bool has_unknown_ = false;
  bool ok_ = true;
};

// Is `text` an address of this family (RFC 4291 2.2 for IPv6, without zone and prefix)?
bool IsIpv4(const std::string& text);
bool IsIpv6(const std::string& text);

// Decimal digits only. Nothing for anything else and for what is above `most`.
std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t most);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_ARGUMENTS_H_
