// What tridentctl's exit status means. Part of its interface: scripts rely on it.
#ifndef TRIDENT_CLIENT_EXIT_CODES_H_
#define TRIDENT_CLIENT_EXIT_CODES_H_

namespace trident::client {

inline constexpr int kExitSuccess = 0;      // succeeded, staged as asked, or nothing to do
inline constexpr int kExitUsage = 1;        // wrong arguments, or a file that cannot be read
inline constexpr int kExitRefused = 2;      // refused, or the job failed or was cancelled
inline constexpr int kExitRolledBack = 3;   // the host is back on its previous system
inline constexpr int kExitUnreachable = 4;  // no agent answers, or not in time
inline constexpr int kExitInterrupted = 130;

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_EXIT_CODES_H_
