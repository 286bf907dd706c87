# The packages: trident (agent and client), trident-service (an installed host), trident-provisioning
# (a provisioning OS). `cpack -G DEB` or `cpack -G RPM` in the build folder; scripts/make_packages.sh.
set(CPACK_PACKAGE_NAME trident)
set(CPACK_PACKAGE_VENDOR "The Trident project")
set(CPACK_PACKAGE_CONTACT "The Trident project <maintainers@trident.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Deploys and updates Linux hosts")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL agent service provisioning)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENT_AGENT_DESCRIPTION
  "The agent tridentd, which installs and updates hosts from a declarative configuration, and its
client tridentctl.")
set(CPACK_COMPONENT_SERVICE_DESCRIPTION
  "Starts the Trident agent on an installed host, and brings the host to what
/etc/trident/config.yaml says.")
set(CPACK_COMPONENT_PROVISIONING_DESCRIPTION
  "Sets the network of a provisioning OS up as /etc/trident/config.yaml says.")
# The scripts of a package that brings units.
set(packaging ${PROJECT_BINARY_DIR}/packaging)
set(UNITS_OF_service "tridentd.socket tridentd.service trident.service")
set(UNITS_OF_provisioning "trident-network.service")
foreach(package service provisioning)
  set(UNITS ${UNITS_OF_${package}})
  foreach(script postinst prerm postrm rpm-post rpm-preun)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/${script}.in ${packaging}/${package}/${script} @ONLY)
  endforeach()
endforeach()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_AGENT_PACKAGE_NAME trident)
set(CPACK_DEBIAN_AGENT_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "e2fsprogs, dosfstools, fdisk, util-linux, udev")
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS "mdadm, cryptsetup-bin, xfsprogs, netplan.io")
set(CPACK_DEBIAN_AGENT_PACKAGE_SUGGESTS "btrfs-progs, systemd-container, gpgv, efibootmgr")
set(units_need "trident (= ${PROJECT_VERSION}-1), systemd")
set(CPACK_DEBIAN_SERVICE_PACKAGE_NAME trident-service)
set(CPACK_DEBIAN_SERVICE_PACKAGE_DEPENDS "${units_need}")
set(CPACK_DEBIAN_SERVICE_PACKAGE_CONTROL_EXTRA
  ${packaging}/service/postinst ${packaging}/service/prerm ${packaging}/service/postrm)
set(CPACK_DEBIAN_PROVISIONING_PACKAGE_NAME trident-provisioning)
set(CPACK_DEBIAN_PROVISIONING_PACKAGE_DEPENDS "${units_need}, netplan.io")
set(CPACK_DEBIAN_PROVISIONING_PACKAGE_CONTROL_EXTRA
  ${packaging}/provisioning/postinst ${packaging}/provisioning/prerm
  ${packaging}/provisioning/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE MIT)
set(CPACK_RPM_PACKAGE_RELEASE 1)
set(CPACK_RPM_AGENT_PACKAGE_NAME trident)
set(CPACK_RPM_AGENT_PACKAGE_REQUIRES "e2fsprogs, dosfstools, util-linux, netplan")
set(units_need "trident = ${PROJECT_VERSION}-1, systemd")
set(CPACK_RPM_SERVICE_PACKAGE_NAME trident-service)
set(CPACK_RPM_SERVICE_PACKAGE_REQUIRES "${units_need}")
set(CPACK_RPM_SERVICE_POST_INSTALL_SCRIPT_FILE ${packaging}/service/rpm-post)
set(CPACK_RPM_SERVICE_PRE_UNINSTALL_SCRIPT_FILE ${packaging}/service/rpm-preun)
set(CPACK_RPM_PROVISIONING_PACKAGE_NAME trident-provisioning)
set(CPACK_RPM_PROVISIONING_PACKAGE_REQUIRES "${units_need}, netplan")
set(CPACK_RPM_PROVISIONING_POST_INSTALL_SCRIPT_FILE ${packaging}/provisioning/rpm-post)
set(CPACK_RPM_PROVISIONING_PRE_UNINSTALL_SCRIPT_FILE ${packaging}/provisioning/rpm-preun)
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
  /usr/lib /usr/lib/systemd /usr/lib/systemd/system)
include(CPack)
