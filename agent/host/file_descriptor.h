// A file descriptor that is closed with its owner.
#ifndef TRIDENT_AGENT_HOST_FILE_DESCRIPTOR_H_
#define TRIDENT_AGENT_HOST_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace trident {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  // Takes ownership; a negative number is no descriptor.
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FILE_DESCRIPTOR_H_
