# Everything comes from Debian's packages (scripts/install_packages.sh); nothing is vendored.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
set(Protobuf_USE_STATIC_LIBS ${TRIDENT_PORTABLE})
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(ZLIB REQUIRED)
foreach(library libzstd liblzma libxxhash sqlite3 fdisk blkid mount efivar efiboot libsystemd
        libcryptsetup)
  pkg_check_modules(${library} REQUIRED IMPORTED_TARGET ${library})
endforeach()

# TRIDENT_PORTABLE: the libraries whose versions differ between Debian releases are linked from their
# archives, so that one binary serves guests of several releases. It also halves what the dynamic
# loader touches at start. Debian's CMake packages name the shared objects only; the archives lie
# beside them in the same -dev packages. Of gRPC it is the variant without TLS and xDS, which nobody
# here asks gRPC for (the API is a unix socket or loopback; HTTPS is libcurl's): whatever is linked
# is initialised at start, and counts as resident memory of an idle agent.
if(TRIDENT_PORTABLE)
  get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target ${imported})
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "SHARED_LIBRARY")
      continue()
    endif()
    get_target_property(location ${target} LOCATION)
    if(NOT location MATCHES "^(.*/lib(absl_[a-z0-9_]+|grpc[+_a-z]*|gpr|upb|address_sorting|cares|yaml-cpp))\\.so")
      continue()
    endif()
    string(REGEX REPLACE "/(libgrpc|libgrpc\\+\\+)$" "/\\1_unsecure" archive ${CMAKE_MATCH_1})
    string(APPEND archive .a)
    if(NOT EXISTS ${archive})
      message(FATAL_ERROR "TRIDENT_PORTABLE: ${archive} is missing beside ${location}")
    endif()
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    foreach(configuration ${configurations})
      set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_${configuration} ${archive})
    endforeach()
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${archive})
  endforeach()
  get_target_property(grpc_needs gRPC::grpc INTERFACE_LINK_LIBRARIES)
  list(TRANSFORM grpc_needs REPLACE "^(.*:)?re2$" "-l:libre2.a")
  list(REMOVE_ITEM grpc_needs OpenSSL::SSL OpenSSL::Crypto)
  set_property(TARGET gRPC::grpc PROPERTY INTERFACE_LINK_LIBRARIES ${grpc_needs})
  # What the archives of gRPC need and its CMake targets do not say.
  set_property(TARGET gRPC::grpc APPEND PROPERTY INTERFACE_LINK_LIBRARIES
    absl::flat_hash_map absl::flat_hash_set absl::inlined_vector absl::bind_front absl::statusor
    absl::any_invocable absl::random_random absl::cord absl::synchronization)
  add_compile_options(-ffunction-sections -fdata-sections)
  # Packed relative relocations: 20 KiB instead of 500 KiB that the loader reads at start.
  add_link_options(-Wl,--gc-sections -Wl,-z,pack-relative-relocs -static-libstdc++ -static-libgcc)
endif()
