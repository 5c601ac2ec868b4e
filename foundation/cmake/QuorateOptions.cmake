# One INTERFACE target carries every flag. Rooms link it PRIVATE, so nothing leaks.
option(QUORATE_WERROR "Treat warnings as errors" ON)
set(QUORATE_SANITIZE "" CACHE STRING "Sanitizer list, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")  # CHECKs stay on in every build; line tables make a crash readable
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_FUZZ "-O1 -g1 -fno-sanitize-recover=all")
set(CMAKE_C_FLAGS_FUZZ "-O1 -g1 -fno-sanitize-recover=all")

add_library(quorate_options INTERFACE)
add_library(quorate::options ALIAS quorate_options)
target_compile_options(quorate_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers  # designated initializers name what they set; the rest is the default
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wsuggest-override>
  # g++ 12 raises these falsely on std::string at -O2 (GCC bugs 105329, 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${QUORATE_WERROR}>:-Werror>)
if(QUORATE_SANITIZE)
  add_compile_options(-fsanitize=${QUORATE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${QUORATE_SANITIZE})
endif()

# ccache where present: paths are hashed relative to the checkout, so two checkouts share results.
find_program(QUORATE_CCACHE ccache)
if(QUORATE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${QUORATE_CCACHE})
endif()
