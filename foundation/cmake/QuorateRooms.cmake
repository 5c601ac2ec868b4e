# Rooms. One room = one folder = one static library = one namespace quorate::<room>. Each folder has a CMakeLists.txt
# with one call; the tree (foundation/, server/, operator/, ctl/) is the include root: #include "raft/core.h".
# Targets: quorate::<room> in foundation and server, quorate::operator_<room> and quorate::ctl_<room> in the others.
#
# quorate_room(<room> [HEADERS ...] [SOURCES ...] [USES room...] [LINKS vendor::...] [PCH <header>...])
#   USES   rooms this one may include; checked against QUORATE_EDGES below.
#   LINKS  third-party targets, always PRIVATE: a room never leaks a vendor type.
#   PCH    vendor headers precompiled for this room.
#   SIM_SOURCES, SIM_USES  what the simulated variant compiles and links, where that is less than the whole room.
#
# Rooms of QUORATE_SIMULATED_ROOMS are compiled a second time as quorate::<room>_sim, with QUORATE_SIMULATED defined: the
# places of base/site.h ask an oracle there. Only the cluster simulator and the tests of planted bugs link these, and a
# program links either a room or its variant, never both. A variant is built only when something that is built links it.

set(QUORATE_SIMULATED_ROOMS raft wire wal snapshot storage mvcc lease auth membership watch apply peer node app)

# Allowed edges, "room:dep,dep". The tidy test reads this very table.
set(QUORATE_EDGES
  "base:"
  "proto:"
  "io:base"
  "net:base,io"
  "etcdclient:base,proto"
  "raft:base"
  "wire:base,raft,proto"
  "bolt:base,io"
  "storage:base,io"
  "wal:base,io,raft,wire"
  "snapshot:base,io,raft,wire,storage,bolt"
  "mvcc:base,storage,proto"
  "lease:base,io,storage,mvcc,proto"
  "auth:base,io,storage,proto"
  "membership:base,storage,raft,proto"
  "watch:base,mvcc,proto"
  "apply:base,raft,mvcc,lease,auth,membership,storage,proto"
  "peer:base,io,net,raft,wire"
  "node:base,io,proto,raft,wal,wire,snapshot,peer,apply,membership"
  "rpc:base,io,net"
  "api:base,proto,rpc,node,apply,watch,lease,auth,membership,mvcc"
  "config:base,io,net,raft,wal,storage,snapshot,mvcc,lease,membership,watch,apply,peer,node,rpc,api"
  "app:*"
  "operator_api:base"
  "operator_kube:base,io"
  "operator_runtime:base,io,operator_kube,operator_api"
  "operator_plan:base,operator_api"
  "operator_status:base,operator_api,operator_plan"
  "operator_backup:base,operator_api"
  "operator_tls:base,io"
  "operator_observe:base,io,operator_kube,operator_runtime,etcdclient,operator_api,operator_tls,operator_plan"
  "operator_act:base,io,operator_kube,operator_runtime,etcdclient,operator_api,operator_tls,operator_plan"
  "operator_controllers:base,io,operator_kube,operator_runtime,etcdclient,operator_api,operator_tls,operator_plan,operator_status,operator_observe,operator_act,operator_backup"
  "operator_config:base,operator_kube,operator_runtime"
  "operator_app:*"
  "ctl_objectstore:base,io"
  "ctl_output:base,proto"
  "ctl_offline:base,io,proto,raft,wire,wal,bolt,storage,snapshot,mvcc,membership"
  "ctl_backup:base,io,proto,etcdclient,ctl_objectstore,ctl_output,ctl_offline"
  "ctl_commands:base,io,proto,etcdclient,ctl_objectstore,ctl_output,ctl_backup,ctl_offline"
  "ctl_app:*"
)

function(quorate_check_edges name)
  set(allowed "UNKNOWN")
  foreach(edge IN LISTS QUORATE_EDGES)
    if(edge MATCHES "^${name}:(.*)$")
      string(REPLACE "," ";" allowed "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  if(allowed STREQUAL "UNKNOWN")
    message(FATAL_ERROR "room '${name}' is not in QUORATE_EDGES (foundation/cmake/QuorateRooms.cmake)")
  endif()
  if(allowed STREQUAL "*")
    return()
  endif()
  foreach(dep IN LISTS ARGN)
    if(NOT dep IN_LIST allowed)
      message(FATAL_ERROR "room '${name}' may not use '${dep}' (allowed: ${allowed})")
    endif()
  endforeach()
endfunction()

function(quorate_room room)
  cmake_parse_arguments(R "" "" "HEADERS;SOURCES;SIM_SOURCES;SIM_USES;USES;LINKS;PCH" ${ARGN})
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR PARENT_PATH root)
  cmake_path(GET root FILENAME tree)
  set(name ${room})
  if(tree MATCHES "^(operator|ctl)$")
    set(name "${tree}_${room}")
  endif()
  quorate_check_edges(${name} ${R_USES})
  if(name IN_LIST QUORATE_SIMULATED_ROOMS)
    if(NOT R_SIM_SOURCES)
      set(R_SIM_SOURCES ${R_SOURCES})
    endif()
    if(NOT R_SIM_USES)
      set(R_SIM_USES ${R_USES})
    endif()
    quorate_simulated_room(${name} "${root}" "${R_SIM_SOURCES}" "${R_SIM_USES}" "${R_LINKS}")
  endif()
  list(TRANSFORM R_USES PREPEND "quorate::")
  if(R_SOURCES)
    add_library(quorate_${name} STATIC ${R_SOURCES})
    target_include_directories(quorate_${name} PUBLIC "${root}")
    target_link_libraries(quorate_${name} PUBLIC ${R_USES} PRIVATE quorate::options ${R_LINKS})
    if(R_PCH)
      target_precompile_headers(quorate_${name} PRIVATE ${R_PCH})
    endif()
  else()
    add_library(quorate_${name} INTERFACE)
    target_include_directories(quorate_${name} INTERFACE "${root}")
    target_link_libraries(quorate_${name} INTERFACE ${R_USES})
  endif()
  add_library(quorate::${name} ALIAS quorate_${name})
endfunction()

function(quorate_simulated_room name root sources uses links)
  set(variants)
  foreach(room IN LISTS uses)
    if(room IN_LIST QUORATE_SIMULATED_ROOMS)
      list(APPEND variants "quorate::${room}_sim")
    else()
      list(APPEND variants "quorate::${room}")
    endif()
  endforeach()
  add_library(quorate_${name}_sim STATIC EXCLUDE_FROM_ALL ${sources})
  target_include_directories(quorate_${name}_sim PUBLIC "${root}")
  target_compile_definitions(quorate_${name}_sim PUBLIC QUORATE_SIMULATED)
  target_link_libraries(quorate_${name}_sim PUBLIC ${variants} PRIVATE quorate::options ${links})
  add_library(quorate::${name}_sim ALIAS quorate_${name}_sim)
endfunction()

# quorate_program(<binary> SOURCES ... USES ... LINKS ...): one program in build/<preset>/bin/.
function(quorate_program name)
  cmake_parse_arguments(P "" "" "SOURCES;USES;LINKS" ${ARGN})
  list(TRANSFORM P_USES PREPEND "quorate::")
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR PARENT_PATH root)
  add_executable(${name} ${P_SOURCES})
  target_include_directories(${name} PRIVATE "${root}")
  target_link_libraries(${name} PRIVATE ${P_USES} quorate::options ${P_LINKS})
endfunction()

# quorate_test(<name> SOURCES ... USES ... [LINKS ...] LABELS ... [TIMEOUT seconds]): one test binary for a folder of tests;
# each TEST is one ctest test. Tests may use any room.
function(quorate_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;USES;LINKS;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  list(TRANSFORM T_USES PREPEND "quorate::")
  add_executable(${name}_test ${T_SOURCES})
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  target_include_directories(${name}_test PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name}_test PRIVATE ${T_USES} quorate::test_support quorate::options ${T_LINKS} GTest::gmock_main)
  target_precompile_headers(${name}_test REUSE_FROM quorate_test_support)
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    NO_PRETTY_VALUES PROPERTIES LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT})
endfunction()
