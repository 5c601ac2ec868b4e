# Unity: what tests/sanitizers/run adds to a sanitizer preset, by CMAKE_PROJECT_quorate_INCLUDE: many files are compiled
# as one, which halves the time, and -O1 makes members fast enough to elect a leader. Warnings are the release build's.
set(CMAKE_UNITY_BUILD ON)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
set(QUORATE_WERROR OFF)

# Their files use one name for two things, so they are compiled one by one.
set(quorate_one_by_one quorate_proto quorate_mvcc quorate_peer quorate_node quorate_api quorate_config quorate_test_peers quorate_ctl_output
    server_process_test quorate_ctl_offline)
cmake_language(DEFER CALL set_target_properties ${quorate_one_by_one} PROPERTIES UNITY_BUILD OFF)
cmake_language(DEFER CALL set_source_files_properties ${PROJECT_SOURCE_DIR}/server/app/recollection.cc
  ${PROJECT_SOURCE_DIR}/server/app/peer_port.cc TARGET_DIRECTORY quorate_app PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
