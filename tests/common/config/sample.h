// A Host Configuration that uses every section.
#ifndef TRIDENT_TESTS_COMMON_CONFIG_SAMPLE_H_
#define TRIDENT_TESTS_COMMON_CONFIG_SAMPLE_H_

#include <string>

namespace trident::test {

inline constexpr char kSample[] = R"(management:
  enableGrpc: true
  datastorePath: /var/lib/trident/state.sqlite
  phonehome: http://192.0.2.10:8080/phonehome
storage:
  disks:
    - id: sysdisk
      device: /dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:0:0
      partitionTableType: gpt
      partitions:
        - {id: esp,      type: esp,           size: 512M}
        - {id: rootA,    type: root,          size: 6G}
        - {id: rootB,    type: root,          size: 6G}
        - {id: pageout,  type: swap,          size: 1024M}
        - {id: agent,    type: linux-generic, size: 256M}
        - {id: vault,    type: srv,           size: 2G}
        - {id: md0a,     type: linux-generic, size: 1073741824}
        - {id: rest,     type: home,          size: grow}
    - id: datadisk
      device: /dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0
      partitionTableType: gpt
      partitions:
        - {id: md0b,     type: linux-generic, size: 1 G}
      adoptedPartitions:
        - id: oldlogs
          name: logs
          continue_if_no_match: true
  encryption:
    recoveryKeyUrl: file:///etc/recovery/luks.key
    volumes:
      - {id: vault-clear, deviceName: vault, targetId: vault}
  raid:
    software:
      - {id: mirror, name: mirror, level: raid1, metadataVersion: '1.0', devices: [md0a, md0b]}
  mountPoints:
    - {path: /boot/efi,        filesystem: vfat, options: [umask=0077],       targetId: esp}
    - {path: /,                filesystem: ext4, options: [defaults],          targetId: root}
    - {path: none,             filesystem: swap, options: [sw],                targetId: pageout}
    - {path: /var/lib/trident, filesystem: ext4, options: [defaults],          targetId: agent}
    - {path: /srv,             filesystem: ext4, options: [noatime],           targetId: vault-clear}
    - {path: /mnt/mirror,      filesystem: ext4, options: [defaults, nofail],  targetId: mirror}
    - {path: /home,            filesystem: ext4, options: [],                  targetId: rest}
  abUpdate:
    volumePairs:
      - {id: root, volumeAId: rootA, volumeBId: rootB}
  images:
    - url: file:///images/esp.raw.zst
      sha256: ignored
      format: raw-zstd
      targetId: esp
    - url: http://192.0.2.10/images/root_v1.raw.xz
      sha256: 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF
      format: raw-lzma
      targetId: root
networkProvision:
  version: 2
  ethernets:
    first: {match: {name: eno1}, dhcp4: true}
network:
  version: 2
  ethernets:
    uplink: {match: {name: 'en*'}, dhcp4: true, dhcp6: false}
scripts:
  preServicing:
    - name: drain
      servicingType: [ab-update]
      content: 'true'
      timeoutSeconds: 30
  postProvision:
    - name: stamp
      servicingType: [clean-install, ab-update]
      content: date > "$STAMP"
      environmentVariables: {STAMP: /tmp/stamp}
      logFilePath: /var/log/stamp.log
  postConfigure:
    - name: site-setup
      servicingType: [all]
      interpreter: /bin/bash
      path: /opt/site/setup.sh
osconfig:
  users:
    - name: operator
      groups: [wheel]
      sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f operator@site']
      sshMode: key-only
    - name: root
      password: {mode: locked}
  hostname: node-1.example.org
  timezone: Europe/Oslo
  services: {enable: [nginx, fstrim.timer], disable: [getty@tty1.service]}
  modules: [br_netfilter]
  kernelCommandLine: {extraCommandLine: [console=ttyS0, panic=10]}
  additionalFiles:
    - {destination: /etc/motd, content: "Hello\n", permissions: 0600}
    - {destination: /usr/local/bin/check, source: /opt/site/check}
  selinux: {mode: enforcing}
  preserve: [/etc/site, /var/lib/site/*.key]
)";

// The sample with the first occurrence of `from` replaced; `from` must be there.
inline std::string SampleWith(const std::string& from, const std::string& to) {
  std::string text = kSample;
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace trident::test

#endif  // TRIDENT_TESTS_COMMON_CONFIG_SAMPLE_H_
