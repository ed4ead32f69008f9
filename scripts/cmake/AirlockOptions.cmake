# Two interface targets carry every flag: airlock_options and airlock_warnings.
option(AIRLOCK_WERROR "Warnings are errors" OFF)
option(AIRLOCK_COVERAGE "Instrument for gcovr" OFF)
option(AIRLOCK_FUZZ "Build the fuzz targets (Clang only)" OFF)
set(AIRLOCK_SANITIZE "" CACHE STRING "Value for -fsanitize=, for example address,undefined")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # By the compiler's own list of what it included: preprocessing each file once more for that takes a tenth of a build.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_DEPEND=1 "${CCACHE_PROGRAM}")
endif()

add_library(airlock_options INTERFACE)
target_include_directories(airlock_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_definitions(airlock_options INTERFACE _GLIBCXX_ASSERTIONS _FILE_OFFSET_BITS=64
                           AIRLOCK_VERSION="${PROJECT_VERSION}")
# What tests are made of is not optimised (AIRLOCK_UNOPTIMISED on the target), and glibc minds fortifying such code.
target_compile_options(airlock_options INTERFACE -fstack-protector-strong
  $<$<AND:$<CONFIG:Release,RelWithDebInfo>,$<NOT:$<BOOL:$<TARGET_PROPERTY:AIRLOCK_UNOPTIMISED>>>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>
  $<$<BOOL:$<TARGET_PROPERTY:AIRLOCK_UNOPTIMISED>>:-O0>)
target_link_options(airlock_options INTERFACE -pie -Wl,-z,relro,-z,now)
if(AIRLOCK_SANITIZE)
  target_compile_options(airlock_options INTERFACE -fsanitize=${AIRLOCK_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=undefined)
  target_link_options(airlock_options INTERFACE -fsanitize=${AIRLOCK_SANITIZE})
endif()
if(AIRLOCK_COVERAGE)
  target_compile_options(airlock_options INTERFACE --coverage)
  target_link_options(airlock_options INTERFACE --coverage)
endif()
if(AIRLOCK_FUZZ)
  target_compile_options(airlock_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(airlock_warnings INTERFACE)
target_compile_options(airlock_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wformat=2
  # A designated initialiser that leaves out members with defaults is how option structs are written here.
  -Wno-missing-field-initializers
  # GCC 12, optimising, reports overlaps that cannot be in inlined std::string concatenation (its bug 105329).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release,RelWithDebInfo>>:-Wno-restrict>
  # In a unity build every source file is an include file to GCC, which then minds types local to it.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
  $<$<BOOL:${AIRLOCK_WERROR}>:-Werror>
  # Optimised, GCC 12 takes the empty side of std::optional for an uninitialised read: shown, not fatal.
  $<$<AND:$<BOOL:${AIRLOCK_WERROR}>,$<CONFIG:Release,RelWithDebInfo>>:-Wno-error=maybe-uninitialized>)
