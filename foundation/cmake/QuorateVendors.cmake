# vendor::NAME targets for the packages of DESIGN chapter 7. Their headers are SYSTEM: our warnings are for our code.
# A room names the vendors it owns in quorate_room(... LINKS vendor::NAME); nothing else may include their headers.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(quorate_vendor name)  # quorate_vendor(NAME pkg-config-module...)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(vendor::${name} ALIAS PkgConfig::${name})
endfunction()

quorate_vendor(protobuf protobuf)
quorate_vendor(grpc grpc++)
quorate_vendor(nghttp2 libnghttp2)
quorate_vendor(openssl openssl)
quorate_vendor(curl libcurl)
quorate_vendor(zstd libzstd)
quorate_vendor(spdlog spdlog fmt)
quorate_vendor(yaml yaml-cpp)

find_package(prometheus-cpp REQUIRED CONFIG)
add_library(vendor::prometheus ALIAS prometheus-cpp::core)
find_package(cpprestsdk REQUIRED CONFIG)
add_library(vendor::cpprest ALIAS cpprestsdk::cpprest)

function(quorate_header_vendor name probe)  # header-only, or a library without pkg-config
  add_library(vendor_${name} INTERFACE)
  find_path(QUORATE_${name}_INCLUDE ${probe} REQUIRED)
  foreach(library IN LISTS ARGN)
    find_library(QUORATE_${library}_LIBRARY ${library} REQUIRED)
    target_link_libraries(vendor_${name} INTERFACE ${QUORATE_${library}_LIBRARY})
  endforeach()
  target_link_libraries(vendor_${name} INTERFACE Threads::Threads)
  add_library(vendor::${name} ALIAS vendor_${name})
endfunction()

quorate_header_vendor(rocksdb rocksdb/db.h rocksdb)
quorate_header_vendor(asio boost/asio.hpp)
quorate_header_vendor(json nlohmann/json.hpp)
quorate_header_vendor(cli11 CLI/CLI.hpp)
