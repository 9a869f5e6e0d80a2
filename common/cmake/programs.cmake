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

# course_sources(RESULT FOLDER)
# What is compiled of a folder: C++, and assembly. A name such as switch_aarch64.S says which CPU it is
# for, and is left out elsewhere; no list has to be kept. Where corofy has made main_corofied.cpp of
# main.cpp, that is compiled in its place.
function(course_sources result folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp" "${folder}/*.S")
  foreach(cpu x86_64 aarch64)
    if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL cpu)
      list(FILTER sources EXCLUDE REGEX "_${cpu}\\.S$")
    endif()
  endforeach()
  foreach(made ${sources})
    if(made MATCHES "_corofied\\.cpp$")
      string(REGEX REPLACE "_corofied\\.cpp$" ".cpp" written "${made}")
      list(REMOVE_ITEM sources "${written}")
    endif()
  endforeach()
  set(${result} "${sources}" PARENT_SCOPE)
endfunction()

# course_programs(NAME SOURCES file… [LIBRARIES target…] [MAIN object…] [PARTS object…])
# A program twice: NAME, and NAME-with-faults, whose system calls a suite can make fail (only built if
# something asks for it). All is compiled once: main.cpp (NAME-main), and the other files (NAME-parts,
# if there are any), which a suite can link as well; MAIN and PARTS are compiled already. Without
# fortified calls: the linker of the second program would miss them.
function(course_programs name)
  cmake_parse_arguments(PARSE_ARGV 1 program "" "" "SOURCES;LIBRARIES;MAIN;PARTS")
  set(main "${program_SOURCES}")
  list(FILTER main INCLUDE REGEX "/?main(_corofied)?\\.cpp$")
  set(parts "${program_SOURCES}")
  list(FILTER parts EXCLUDE REGEX "/?main(_corofied)?\\.cpp$")
  set(main_objects "${program_MAIN}")
  set(parts_objects "${program_PARTS}")
  foreach(half main parts)
    if(${half})
      add_library(${name}-${half} OBJECT EXCLUDE_FROM_ALL ${${half}})
      target_compile_options(${name}-${half} PRIVATE -U_FORTIFY_SOURCE)
      target_link_libraries(${name}-${half} PRIVATE ${program_LIBRARIES})
      list(APPEND ${half}_objects $<TARGET_OBJECTS:${name}-${half}>)
    endif()
  endforeach()
  add_executable(${name} ${main_objects} ${parts_objects})
  add_executable(${name}-with-faults EXCLUDE_FROM_ALL ${main_objects} ${parts_objects})
  set_target_properties(${name} PROPERTIES COURSE_PARTS "${parts_objects}")
  set_target_properties(${name} ${name}-with-faults PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PRIVATE ${program_LIBRARIES})
  target_link_libraries(${name}-with-faults PRIVATE ${program_LIBRARIES} course::faults)
endfunction()

# course_stage_suite(NAME SUITE FOLDER)
# NAME-tests: the suite of the stage in that folder, whose programs course_programs(NAME …) has made. It
# includes the stage's headers, links what the stage compiles beside its main.cpp, and runs the program
# that stands beside it. Compiled as NAME-suite.
function(course_stage_suite name suite folder)
  add_library(${name}-suite OBJECT EXCLUDE_FROM_ALL "${suite}")
  target_include_directories(${name}-suite PRIVATE "${folder}")
  target_compile_definitions(${name}-suite PRIVATE "STAGE_PROGRAM=testing::stage_program()")
  target_link_libraries(${name}-suite PRIVATE course::testing course::common course::faults)
  course_link_suite(${name} ${name}-suite)
endfunction()

# NAME-tests of what was compiled as `suite`.
function(course_link_suite name suite)
  set(objects $<TARGET_OBJECTS:${suite}>)
  get_target_property(parts ${name} COURSE_PARTS)
  if(parts)
    list(APPEND objects ${parts})
  endif()
  add_executable(${name}-tests ${objects})
  set_target_properties(${name}-tests PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name}-tests PRIVATE course::testing course::common course::faults)
endfunction()

# course_stage_bench(NAME BENCH FOLDER ENTRY)
# NAME-bench, like a suite: …/bench/STAGE.cpp, with what is in the folder …/bench/STAGE, if there is one.
# ENTRY is the stage's in the map. Its "peers" have the form of "needs": of those that are installed the
# libraries are linked, and a macro says so, such as HAVE_LIBBOOST_FIBER_DEV.
function(course_stage_bench name bench folder entry)
  cmake_path(REMOVE_EXTENSION bench OUTPUT_VARIABLE more)
  course_sources(sources "${more}")
  get_target_property(parts ${name} COURSE_PARTS)
  if(parts)
    list(APPEND sources ${parts})
  endif()
  add_executable(${name}-bench EXCLUDE_FROM_ALL "${bench}" ${sources})
  target_include_directories(${name}-bench PRIVATE "${folder}" "${more}")
  target_link_libraries(${name}-bench PRIVATE course::bench course::common)
  foreach(index RANGE 9)
    string(JSON peer ERROR_VARIABLE none GET "${entry}" peers ${index})
    if(NOT none STREQUAL "NOTFOUND")
      break()
    endif()
    course_missing(missing "[${peer}]")
    if(NOT missing)
      string(JSON package GET "${peer}" package)
      string(MAKE_C_IDENTIFIER "HAVE_${package}" have)
      string(TOUPPER "${have}" have)
      string(JSON link ERROR_VARIABLE none GET "${peer}" link)
      target_compile_definitions(${name}-bench PRIVATE ${have})
      if(link)
        string(REPLACE " " ";" link "${link}")
        target_link_libraries(${name}-bench PRIVATE ${link})
      endif()
    endif()
  endforeach()
endfunction()

# For the suite of a stage with "optimised": true in every build: what is wrong with inline assembly
# often shows only when the compiler rearranges what is around it.
function(course_optimise suite)
  target_compile_options(${suite} PRIVATE -O2)
endfunction()
