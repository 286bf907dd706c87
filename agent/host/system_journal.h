// The system's journal, written to directly: records with fields of their own. sd_journal_send(3).
#ifndef TRIDENT_AGENT_HOST_SYSTEM_JOURNAL_H_
#define TRIDENT_AGENT_HOST_SYSTEM_JOURNAL_H_

#include <string>
#include <vector>

#include "common/base/logging.h"

namespace trident {

// The record as "NAME=value" fields: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER and, where the record has
// them, TRIDENT_JOB and TRIDENT_STEP.
std::vector<std::string> JournalFields(const LogRecord& record);

// Writes records there. A record that the journal does not take is left to the caller.
JournalWriter MakeSystemJournalWriter();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_SYSTEM_JOURNAL_H_
