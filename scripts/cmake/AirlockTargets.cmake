# airlock_layer(<name> SOURCES ... [LINK ...]): one folder, one static library, one namespace.
function(airlock_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE" ${ARGN})
  add_library(airlock_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(airlock_${name} PUBLIC airlock_options ${ARG_LINK} PRIVATE airlock_warnings ${ARG_PRIVATE})
endfunction()

# airlock_test(<layer> SOURCES ... LINK ...): one Catch2 program a layer, one CTest entry a program.
function(airlock_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(airlock_test_${name} ${ARG_SOURCES})
  # Test files keep helpers of the same names; only the program itself is built in batches.
  set_target_properties(airlock_test_${name} PROPERTIES UNITY_BUILD OFF)
  target_link_libraries(airlock_test_${name} PRIVATE airlock_test_support ${ARG_LINK} airlock_warnings)
  # Assertions compile slowly when optimised, and nothing here is timed.
  target_compile_options(airlock_test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME unit.${name} COMMAND airlock_test_${name})
  set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# airlock_fuzz(<name> SOURCES ... LINK ...): a libFuzzer target; replays its corpus as a test in other builds.
function(airlock_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(AIRLOCK_FUZZ)
    add_executable(fuzz_${name} ${ARG_SOURCES})
    target_link_libraries(fuzz_${name} PRIVATE airlock_options ${ARG_LINK})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(fuzz_${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.cpp)
    target_link_libraries(fuzz_${name} PRIVATE airlock_options ${ARG_LINK})
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()
