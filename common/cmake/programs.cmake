# What the course and the workbench have in common.

# What is worth compiling once, where a build does that.
set(COURSE_STANDARD_HEADERS <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable>
  <filesystem> <fstream> <functional> <future> <map> <memory> <mutex> <optional> <set> <sstream>
  <string> <string_view> <system_error> <thread> <tuple> <variant> <vector>)

# course_precompiled(NAME HEADERS header… [LIBRARIES target…])
# An object library with nothing in it but headers, for others to reuse. (A target needs a source.)
function(course_precompiled name)
  cmake_parse_arguments(PARSE_ARGV 1 precompiled "" "" "HEADERS;LIBRARIES")
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp" CONTENT "")
  add_library(${name} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  target_link_libraries(${name} PRIVATE ${precompiled_LIBRARIES})
  target_precompile_headers(${name} PRIVATE ${precompiled_HEADERS})
endfunction()

# course_programs(NAME SOURCES file… [LIBRARIES target…])
# A program twice: NAME, and NAME-with-faults, whose system calls a suite can make fail (only built if
# something asks for it). Compiled once (NAME-objects), without fortified calls: the second program's
# linker would miss them.
function(course_programs name)
  cmake_parse_arguments(PARSE_ARGV 1 program "" "" "SOURCES;LIBRARIES")
  add_library(${name}-objects OBJECT EXCLUDE_FROM_ALL ${program_SOURCES})
  target_compile_options(${name}-objects PRIVATE -U_FORTIFY_SOURCE)
  target_link_libraries(${name}-objects PRIVATE ${program_LIBRARIES})
  add_executable(${name} $<TARGET_OBJECTS:${name}-objects>)
  add_executable(${name}-with-faults EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${name}-objects>)
  set_target_properties(${name} ${name}-with-faults PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PRIVATE ${program_LIBRARIES})
  target_link_libraries(${name}-with-faults PRIVATE ${program_LIBRARIES} course::faults)
endfunction()

# For the suite of a stage with "optimised": true in every build: what is wrong with inline assembly
# often shows only when the compiler rearranges what is around it.
function(course_optimise suite)
  target_compile_options(${suite} PRIVATE -O2)
endfunction()
