#include "agent/imaging/file_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "common/base/error.h"

namespace trident {

absl::StatusOr<ImageFile> ImageFile::Open(const ImageUrl& url) {
  ImageFile file;
  file.printable_ = url.printable;
  // O_NONBLOCK: opening a FIFO must not wait for its writer; without effect on regular files.
  file.descriptor_ = open(url.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) {
    const int error = errno;
    return ErrnoError(error, "image", error == ENOENT ? "not-found" : "unreadable",
                      absl::StrCat("opening image ", url.printable));
  }
  struct stat status {};
  if (fstat(file.descriptor_, &status) != 0) {
    return ErrnoError(errno, "image", "unreadable",
                      absl::StrCat("looking at image ", url.printable));
  }
  if (!S_ISREG(status.st_mode)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "image", "not-a-file",
                     absl::StrCat("image ", url.printable, " is not a regular file"),
                     "Name a file.");
  }
  file.size_ = static_cast<uint64_t>(status.st_size);
  file.validator_ = absl::StrCat("mtime ", status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec,
                                 " size ", file.size_);
  return file;
}

ImageFile::ImageFile(ImageFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      validator_(std::move(other.validator_)),
      printable_(std::move(other.printable_)) {}

ImageFile::~ImageFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<size_t> ImageFile::ReadAt(uint64_t offset, std::span<uint8_t> data) const {
  size_t done = 0;
  while (done < data.size()) {
    const ssize_t bytes = pread(descriptor_, data.data() + done, data.size() - done,
                                static_cast<off_t>(offset + done));
    if (bytes < 0) {
      if (errno == EINTR) continue;
      return ErrnoError(errno, "image", "unreadable",
                        absl::StrCat("reading image ", printable_, " at byte ", offset + done));
    }
    if (bytes == 0) break;
    done += static_cast<size_t>(bytes);
  }
  return done;
}

absl::Status FileSource::Run(ChunkFeeder& feeder, StreamState& state) {
  TRIDENT_ASSIGN_OR_RETURN(const ImageFile file, ImageFile::Open(url_));
  state.fetch_total.store(file.size(), std::memory_order_relaxed);
  // Read ahead generously, and do not push everything else out of the page cache: the image is
  // read once.
  posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_SEQUENTIAL);
  for (;;) {
    const std::span<uint8_t> room = feeder.Room();
    if (room.empty()) return StreamCancelled();
    const uint64_t offset = feeder.fed();
    TRIDENT_ASSIGN_OR_RETURN(const size_t bytes, file.ReadAt(offset, room));
    if (bytes == 0) break;
    posix_fadvise(file.descriptor(), static_cast<off_t>(offset), static_cast<off_t>(bytes),
                  POSIX_FADV_DONTNEED);
    if (!feeder.Commit(bytes)) return StreamCancelled();
  }
  if (!feeder.Finish()) return StreamCancelled();
  return absl::OkStatus();
}

}  // namespace trident
