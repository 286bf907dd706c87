#include "agent/host/service_manager.h"

#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kUnit[] = "org.freedesktop.systemd1.Unit";
constexpr uint64_t kCallLimitMicros = 5'000'000;

using Bus = std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)>;

class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }
  sd_bus_error* get() { return &error_; }
  bool Is(const char* name) const { return sd_bus_error_has_name(&error_, name) != 0; }
  std::string Text(int result) const {
    if (error_.message != nullptr) return error_.message;
    return ErrnoError(-result, "", "", "").ToString();
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

absl::Status Unavailable(const std::string& attempt, const std::string& reason) {
  ErrorDetail detail;
  detail.kind = "environment";
  detail.subkind = "service-manager";
  detail.message = absl::StrCat(attempt, ": ", reason);
  detail.remedy = "see that systemd runs this machine and that the agent runs as root";
  detail.retryable = true;
  return MakeError(absl::StatusCode::kUnavailable, std::move(detail));
}

absl::StatusOr<Bus> Connect(const std::vector<std::string>& addresses, const std::string& attempt) {
  int result = -ENOENT;
  for (const std::string& address : addresses) {
    sd_bus* raw = nullptr;
    if (address.empty()) {
      result = sd_bus_open_system(&raw);
    } else {
      result = sd_bus_new(&raw);
      if (result >= 0) result = sd_bus_set_address(raw, address.c_str());
      if (result >= 0) result = sd_bus_start(raw);
    }
    Bus bus(raw, sd_bus_close_unref);
    if (result < 0) continue;
    sd_bus_set_method_call_timeout(bus.get(), kCallLimitMicros);
    return bus;
  }
  return Unavailable(attempt, ErrnoError(-result, "", "", "no connection").ToString());
}

}  // namespace

ServiceManager::ServiceManager(std::vector<std::string> addresses)
    : addresses_(std::move(addresses)) {}

ServiceManager ServiceManager::OfThisMachine() {
  return ServiceManager({"unix:path=/run/systemd/private", ""});
}

absl::StatusOr<std::string> ServiceManager::ActiveState(const std::string& unit) const {
  const std::string attempt = absl::StrCat("cannot ask for the state of ", unit);
  TRIDENT_ASSIGN_OR_RETURN(const Bus bus, Connect(addresses_, attempt));
  BusError error;
  sd_bus_message* raw = nullptr;
  int result = sd_bus_call_method(bus.get(), kService, kManagerPath, kManager, "LoadUnit",
                                  error.get(), &raw, "s", unit.c_str());
  const std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)> reply(
      raw, sd_bus_message_unref);
  if (result < 0) return Unavailable(attempt, error.Text(result));
  const char* path = nullptr;
  result = sd_bus_message_read(reply.get(), "o", &path);
  if (result < 0) return Unavailable(attempt, error.Text(result));
  char* state = nullptr;
  result = sd_bus_get_property_string(bus.get(), kService, path, kUnit, "ActiveState", error.get(),
                                      &state);
  if (result < 0) return Unavailable(attempt, error.Text(result));
  const std::unique_ptr<char, void (*)(void*)> owner(state, free);
  return std::string(state);
}

absl::Status ServiceManager::StartUnit(const std::string& unit, const std::string& mode) const {
  const std::string attempt = absl::StrCat("cannot start ", unit);
  TRIDENT_ASSIGN_OR_RETURN(const Bus bus, Connect(addresses_, attempt));
  BusError error;
  const int result = sd_bus_call_method(bus.get(), kService, kManagerPath, kManager, "StartUnit",
                                        error.get(), nullptr, "ss", unit.c_str(), mode.c_str());
  if (result >= 0) return absl::OkStatus();
  if (error.Is("org.freedesktop.systemd1.NoSuchUnit")) {
    return MakeError(absl::StatusCode::kNotFound, "environment", "no-such-unit",
                     absl::StrCat(attempt, ": ", error.Text(result)));
  }
  return Unavailable(attempt, error.Text(result));
}

}  // namespace trident
