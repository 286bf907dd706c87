// The commands of a kickstart.
#ifndef TRIDENT_COMMON_KICKSTART_COMMANDS_H_
#define TRIDENT_COMMON_KICKSTART_COMMANDS_H_

#include <span>
#include <string>

#include "common/kickstart/arguments.h"
#include "common/kickstart/model.h"
#include "common/kickstart/problem.h"
#include "common/kickstart/source.h"

namespace trident::kickstart {

// What the commands go into.
struct CommandSink {
  Kickstart& kickstart;
  ProblemList& problems;
  // Passwords may be translated: see Options::dangerous_passwords.
  bool dangerous_passwords = false;
};

// Reads one command: its name and its arguments, at least one word.
void ReadCommand(const Line& line, std::span<const std::string> words, const CommandSink& sink);

// The command replaces an earlier one of its kind: the later one wins, with a warning.
void WarnOfReplaced(const Line& later, const Line& earlier, const std::string& what,
                    ProblemList& problems);

// One for each command; `arguments` are checked against what the command takes.
void ReadPart(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadNetwork(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadRootPassword(const Line& line, std::span<const std::string> words,
                      const CommandSink& sink);
void ReadUser(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadSshKey(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadBootloader(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadLiveImage(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadServices(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadTimezone(const Line& line, std::span<const std::string> words, const CommandSink& sink);
void ReadSelinux(const Line& line, std::span<const std::string> words, const CommandSink& sink);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_COMMANDS_H_
