# trident_library(<name> [DEPS <target>...])
# A static library of every .cc file in the current folder: one folder, one library. The folder
# of the sources is the unit of dependency, so that DEPS shows which layer may see which.
function(trident_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(trident_${name} STATIC ${sources})
  target_include_directories(trident_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(trident_${name} PUBLIC ${ARG_DEPS})
endfunction()

# trident_test(<name> [ROOT] DEPS <target>...)
# ROOT: needs root and loop devices, and fails without them.
# One test program of every *_test.cc file in the current folder; other .cc files there are its helpers.
function(trident_test name)
  cmake_parse_arguments(ARG "ROOT" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(test_${name} PRIVATE trident_test_main trident_test_support ${ARG_DEPS})
  add_test(NAME ${name} COMMAND test_${name} --order rand --rng-seed time)
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  if(ARG_ROOT)
    # Loop devices are shared by the whole machine: one such test at a time.
    set_tests_properties(${name} PROPERTIES LABELS root RESOURCE_LOCK loop_devices)
  endif()
endfunction()
