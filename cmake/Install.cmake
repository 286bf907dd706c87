include(GNUInstallDirs)
install(TARGETS tridentd tridentctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# `trident run` and `trident get` of the specification are the agent's own subcommands.
install(CODE "execute_process(COMMAND \${CMAKE_COMMAND} -E create_symlink tridentd
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/trident\" COMMAND_ERROR_IS_FATAL ANY)")
# Always below lib/, whatever the multiarch folder: that is where systemd looks.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/systemd/ DESTINATION lib/systemd/system
  FILES_MATCHING PATTERN "*.service" PATTERN "*.socket")
install(FILES ${PROJECT_SOURCE_DIR}/docs/examples/config.yaml
  DESTINATION ${CMAKE_INSTALL_DATADIR}/trident)
install(FILES ${PROJECT_SOURCE_DIR}/proto/trident.proto DESTINATION ${CMAKE_INSTALL_DATADIR}/trident)
