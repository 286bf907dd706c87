#include "tests/support/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace trident::test {
namespace {

[[noreturn]] void Throw(const std::string& attempt) {
  throw std::runtime_error(attempt + ": " + std::system_category().message(errno));
}

}  // namespace

LoopDevice::LoopDevice(const std::string& path, uint64_t size, uint32_t sector_size) {
  const int backing = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (backing < 0 || ftruncate(backing, static_cast<off_t>(size)) != 0) Throw("make " + path);
  const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) Throw("open /dev/loop-control");
  // Somebody else may take the free number between the two calls.
  for (int attempt = 0; attempt < 20 && fd_ < 0; ++attempt) {
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) Throw("find a free loop device");
    path_ = "/dev/loop" + std::to_string(number);
    fd_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (fd_ < 0) Throw("open " + path_);
    loop_config config = {};
    config.fd = static_cast<uint32_t>(backing);
    config.block_size = sector_size;
    if (ioctl(fd_, LOOP_CONFIGURE, &config) == 0) break;
    if (errno != EBUSY) Throw("attach " + path_);
    close(fd_);
    fd_ = -1;
  }
  close(control);
  close(backing);
  if (fd_ < 0) throw std::runtime_error("no loop device is free");
}

LoopDevice::~LoopDevice() {
  ioctl(fd_, LOOP_CLR_FD, 0);
  close(fd_);
}

}  // namespace trident::test
