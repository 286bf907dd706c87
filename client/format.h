// Numbers and messages for people and for programs.
#ifndef TRIDENT_CLIENT_FORMAT_H_
#define TRIDENT_CLIENT_FORMAT_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/trident.pb.h"

namespace trident::client {

namespace pb = ::trident_proto;

std::string FormatBytes(double bytes);                            // "312.0 MiB"; below 1 KiB "17 B"
std::string FormatDuration(double seconds);                       // "4.2 s", "1:05", "1:02:03"
std::string FormatTime(const google::protobuf::Timestamp& time);  // "2024-05-01 12:00:00Z"; 0: "-"
std::string StateName(pb::JobState state);                        // "rolling-back"
bool IsFinal(pb::JobState state);                                 // the job has ended

// Control characters, which could steer a terminal, become '?'; line breaks become blanks.
std::string Printable(std::string_view text);

// Rows below each other, every column as wide as its widest cell, two blanks between.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

// "ab-update, onto volume-b"; "" when the job knows neither.
std::string DescribeWork(const std::string& servicing_kind, const std::string& target_volume);

// One line of protobuf JSON. `complete`: also the fields that have their default.
std::string ToJson(const google::protobuf::Message& message, bool complete);
// The same as a YAML mapping, ending in a newline.
std::string ToYaml(const google::protobuf::Message& message);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_FORMAT_H_
