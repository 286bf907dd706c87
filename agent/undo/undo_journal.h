// What brings a running system back to where it was before a change.
#ifndef TRIDENT_AGENT_UNDO_UNDO_JOURNAL_H_
#define TRIDENT_AGENT_UNDO_UNDO_JOURNAL_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"

namespace trident {

// A live change writes down here how to undo each thing before it does it: a copy of each file,
// commands that set a service back. All of it is durable before the Save functions return, so that
// an agent that is started anew in the middle can still undo the whole change. Of what is saved
// twice the first state counts: a step that runs again after a restart does not save what it has
// changed itself.
//
// There is one journal on a host, as there is one job. Not thread safe.
class UndoJournal {
 public:
  // `folder` is of its own, private, and on a file system that keeps owners and modes; it is made
  // when it is needed. The references must outlive the journal.
  UndoJournal(Files& files, CommandRunner& commands, std::string folder);

  // Before the first Save of a step: begins the journal of this job, or goes on with it. What
  // another job left is thrown away: that job has ended. `root_device` is what "/" is on: after a
  // boot of the other volume the same paths are other files, so going on is FAILED_PRECONDITION.
  absl::Status Begin(const std::string& job_id, const std::string& boot_id,
                     const std::string& root_device);

  // Before the file, link or folder at `path` is changed, made or removed. Of a folder only whether
  // it is there, and its owner and mode, are kept; one that was not there is removed with all that
  // is in it.
  absl::Status SaveFile(const std::string& path);
  // Before something is done that this command undoes. Undoing goes backwards, so a command that
  // makes a service read its files again is saved before the files are.
  absl::Status SaveCommand(const std::vector<std::string>& argv);

  // The boot in which the journal was begun; empty: there is no journal. After another boot, what
  // it saved has been in effect.
  absl::StatusOr<std::string> BootId() const;

  // A file was saved that `is_known` does not know, or a command.
  absl::StatusOr<bool> HoldsMoreThan(
      const std::function<bool(const std::string& path)>& is_known) const;

  // Undoes everything, newest first, and then forgets it. Goes on after a failure, and tells all of
  // them in the end; the journal is kept then, and undoing may be tried again. OK when there is
  // none; FAILED_PRECONDITION when another system runs.
  absl::Status Undo(const std::string& root_device);

  // The change is accepted: nothing is undone any more.
  absl::Status Forget();

 private:
  struct Entry {
    std::string path;                    // of a saved file, or empty
    std::string copy;                    // its name in the folder; empty: it was not there
    std::vector<std::string> command{};  // or what to run
  };
  struct Content {
    std::string job_id;
    std::string boot_id;
    std::string root_device;
    std::vector<Entry> entries;
  };

  absl::StatusOr<Content> Load() const;
  absl::Status Store();
  absl::Status UndoEntry(const Entry& entry);
  std::string IndexPath() const { return folder_ + "/journal.json"; }

  Files& files_;
  CommandRunner& commands_;
  const std::string folder_;
  Content content_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_UNDO_UNDO_JOURNAL_H_
