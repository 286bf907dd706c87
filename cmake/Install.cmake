include(GNUInstallDirs)
install(TARGETS tridentd tridentctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT agent)
# `trident run` and `trident get` of the specification are the agent's own subcommands.
install(CODE "execute_process(COMMAND \${CMAKE_COMMAND} -E create_symlink tridentd
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/trident\" COMMAND_ERROR_IS_FATAL ANY)"
  COMPONENT agent)
install(FILES ${PROJECT_SOURCE_DIR}/docs/examples/config.yaml
  DESTINATION ${CMAKE_INSTALL_DATADIR}/trident COMPONENT agent)
install(FILES ${PROJECT_SOURCE_DIR}/proto/trident.proto
  DESTINATION ${CMAKE_INSTALL_DATADIR}/trident COMPONENT agent)
install(DIRECTORY DESTINATION /etc/trident COMPONENT agent)
# Always below lib/, whatever the multiarch folder: that is where systemd looks.
install(FILES ${PROJECT_SOURCE_DIR}/systemd/tridentd.service
  ${PROJECT_SOURCE_DIR}/systemd/tridentd.socket ${PROJECT_SOURCE_DIR}/systemd/trident.service
  DESTINATION lib/systemd/system COMPONENT service)
install(FILES ${PROJECT_SOURCE_DIR}/systemd/trident-network.service
  DESTINATION lib/systemd/system COMPONENT provisioning)
