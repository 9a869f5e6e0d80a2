# What every CMakeLists.txt of the course includes right after project(): the language, the warnings,
# the common library, and the functions that turn a chapter.json into programs and suites.
#
#   COURSE_WERROR     warnings are errors (off, unless the environment has CI)
#   COURSE_PRECOMPILE what is compiled once for many: "suites" (doctest and what suites share with it),
#                     "all" (the standard library for all else, too), or "nothing"
#   COURSE_SANITIZE   a list for -fsanitize=, such as "address,undefined" or "thread" (empty)
include_guard(GLOBAL)

if(DEFINED ENV{CI})
  option(COURSE_WERROR "Treat compiler warnings as errors" ON)
else()
  option(COURSE_WERROR "Treat compiler warnings as errors" OFF)
endif()
set(COURSE_PRECOMPILE "suites" CACHE STRING "What is compiled once for many: nothing, suites or all")
set(COURSE_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Debug CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()
# All programs stand together: build/dev/bin/delayserver, build/dev/bin/ch04-a-epoll, …
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

enable_language(ASM)  # by the same compiler
list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
set(COURSE_EMULATOR "${emulator}" CACHE INTERNAL "The command line that runs what was built; empty: none")
find_package(Threads REQUIRED)
set(COURSE_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(COURSE_WERROR)
  list(APPEND COURSE_WARNINGS -Werror)
endif()
add_compile_options(${COURSE_WARNINGS})
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # g++ 12 sees overlap in "literal" + std::string (GCC bug 105329)
endif()
# A large frame is touched page by page, so that it can't jump over the guard page of a fiber's stack.
add_compile_options(-fstack-clash-protection)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  # g++ takes for granted there that a guard has 64 kB, as a thread's has; ours are pages (2^12).
  add_compile_options(--param=stack-clash-protection-guard-size=12)
endif()
if(COURSE_SANITIZE)
  add_compile_options(-fsanitize=${COURSE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${COURSE_SANITIZE})
endif()

include("${CMAKE_CURRENT_LIST_DIR}/programs.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/corofy.cmake")
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH COURSE_COMMON)

# doctest, nlohmann_json and CLI11: the system's packages, or else these releases, checked by hash.
include(FetchContent)
set(COURSE_DOWNLOADS "${CMAKE_BINARY_DIR}/_deps" CACHE PATH "Where what is fetched is kept")
function(course_package name version debian url hash)
  find_package(${name} ${version} QUIET)
  if(${name}_FOUND)
    return()
  endif()
  # Downloaded by ourselves: FetchContent tries for minutes, and hides the reason when it gives up.
  cmake_path(GET url FILENAME file)
  set(file "${COURSE_DOWNLOADS}/${name}-${file}")
  if(NOT EXISTS "${file}")
    message(STATUS "${name} is not installed; fetching ${url}")
    file(DOWNLOAD "${url}" "${file}.part" STATUS status INACTIVITY_TIMEOUT 20)
    list(POP_FRONT status code reason)
    if(NOT code EQUAL 0)
      message(FATAL_ERROR "${name} is neither installed (on Debian: apt-get install ${debian}) "
        "nor can it be fetched from ${url}: ${reason}")
    endif()
    file(RENAME "${file}.part" "${file}")
  endif()
  FetchContent_Declare(${name} SYSTEM URL "${file}" URL_HASH SHA256=${hash}
    DOWNLOAD_EXTRACT_TIMESTAMP ON)
  FetchContent_MakeAvailable(${name})
endfunction()
set(DOCTEST_NO_INSTALL ON CACHE INTERNAL "")
set(DOCTEST_WITH_TESTS OFF CACHE INTERNAL "")
set(CLI11_SINGLE_FILE OFF CACHE INTERNAL "")
set(CLI11_BUILD_TESTS OFF CACHE INTERNAL "")
set(CLI11_BUILD_EXAMPLES OFF CACHE INTERNAL "")
set(JSON_BuildTests OFF CACHE INTERNAL "")
course_package(doctest 2.4.9 doctest-dev
  https://github.com/doctest/doctest/archive/refs/tags/v2.4.11.tar.gz
  632ed2c05a7f53fa961381497bf8069093f0d6628c5f26286161fbd32a560186)
course_package(nlohmann_json 3.11 nlohmann-json3-dev
  https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
  d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d)
course_package(CLI11 2.1 libcli11-dev
  https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.4.2.tar.gz
  f2d893a65c3b1324c50d4e682c0cdc021dd0477ae2c048544f39eed6654b699a)

# course_suite(NAME SOURCES file… [LIBRARIES target…] [LABELS label…])
# A doctest suite: one program, one test of ctest's. The main function comes with course::testing.
function(course_suite name)
  cmake_parse_arguments(PARSE_ARGV 1 suite "" "" "SOURCES;LIBRARIES;LABELS")
  add_executable(${name} ${suite_SOURCES})
  target_link_libraries(${name} PRIVATE course::testing ${suite_LIBRARIES})
  course_precompile_suite(${name})
  course_test(${name} ${suite_LABELS})
endfunction()

# Most of a suite's time goes into reading the same headers. The stage's own files are compiled without
# them, and the suites too in one of our builds (the preset clang), so that no include can be missing.
function(course_precompile_suite name)
  if(NOT COURSE_PRECOMPILE STREQUAL "nothing")
    if(NOT TARGET course_suites)
      course_precompiled(course_suites HEADERS "${COURSE_COMMON}/testing/precompiled.hpp"
        LIBRARIES course::testing course::common course::faults)
    endif()
    target_precompile_headers(${name} REUSE_FROM course_suites)
  endif()
endfunction()

# The limit is for a suite that hangs; on a slow machine or under an emulator nothing gets near it.
function(course_test suite)
  add_test(NAME ${suite} COMMAND ${suite})
  set_tests_properties(${suite} PROPERTIES TIMEOUT 120 LABELS "${ARGN}")
endfunction()

# course_chapter()
# Builds what the chapter.json beside the calling CMakeLists.txt lists. Stage a-epoll of chapter ch04
# becomes the program ch04-a-epoll and, where tests/a-epoll.cpp stands, the suite ch04-a-epoll-tests
# with the labels ch04 and ch04/a. Where bench/a-epoll.cpp stands, there is ch04-a-epoll-bench. A stage
# with "system": "windows" becomes a program for Windows, to be run under wine (see
# course_windows_stage).
function(course_chapter)
  set(map_file "${CMAKE_CURRENT_SOURCE_DIR}/chapter.json")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${map_file}")
  file(READ "${map_file}" map)
  string(JSON chapter GET "${map}" chapter)
  string(JSON count LENGTH "${map}" stages)
  math(EXPR last "${count} - 1")
  if(NOT TARGET ${chapter})
    add_custom_target(${chapter})  # all of it: cmake --build build/dev --target ch04
  endif()
  add_custom_target(${chapter}-benches)  # builds them, and runs each once and quickly: do they work?
  if(NOT TARGET benches)
    add_custom_target(benches)
  endif()
  add_dependencies(benches ${chapter}-benches)
  foreach(index RANGE ${last})
    string(JSON entry GET "${map}" stages ${index})
    string(JSON name GET "${entry}" name)
    string(JSON needs ERROR_VARIABLE none GET "${entry}" needs)
    string(JSON system ERROR_VARIABLE none GET "${entry}" system)
    string(JSON threads ERROR_VARIABLE none GET "${entry}" threads)
    if(COURSE_SANITIZE STREQUAL "thread" AND NOT threads STREQUAL "ON")
      continue()  # there is nothing to find
    endif()
    course_missing(missing "${needs}")
    if(system STREQUAL "windows")
      course_no_windows(missing "${missing}")
    endif()
    if(missing)
      course_leave_out(${chapter} ${name} "${missing}")
    else()
      file(REMOVE "${CMAKE_BINARY_DIR}/left-out/${chapter}-${name}")
      if(system STREQUAL "windows")
        course_windows_stage(${chapter} ${name} "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
      else()
        course_stage(${chapter} ${name} "${CMAKE_CURRENT_SOURCE_DIR}/${name}" "${entry}")
      endif()
      foreach(target ${chapter}-${name} ${chapter}-${name}-tests)
        if(TARGET ${target})
          add_dependencies(${chapter} ${target})
        endif()
      endforeach()
    endif()
  endforeach()
  if(map MATCHES "\"corofy\":")
    course_corofy()
    set_target_properties(corofy PROPERTIES EXCLUDE_FROM_ALL OFF)  # its tests need it
  endif()
endfunction()

# What a stage needs beyond common/packages.txt stands in its "needs", a list of objects, each with the
# Debian "package" and what shows that it is there: a "header" or a "program" (or several names for it),
# and perhaps "link", its libraries (one name or several). The "peers" of a bench have the same form.
# Sets `result` to a sentence about what is missing, or to an empty string.
function(course_missing result needs)
  set(packages "")
  string(JSON count ERROR_VARIABLE none LENGTH "${needs}")
  if(count MATCHES "^[1-9]")
    math(EXPR last "${count} - 1")
    foreach(index RANGE ${last})
      string(JSON package GET "${needs}" ${index} package)
      string(JSON header ERROR_VARIABLE none GET "${needs}" ${index} header)
      string(JSON program ERROR_VARIABLE none GET "${needs}" ${index} program)
      string(MAKE_C_IDENTIFIER "COURSE_FOUND_${package}" found)
      if(header)
        find_path(${found} "${header}")
      else()
        string(REPLACE " " ";" program "${program}")
        find_program(${found} NAMES ${program} PATHS /usr/lib/wine)
      endif()
      mark_as_advanced(${found})
      string(JSON link ERROR_VARIABLE none GET "${needs}" ${index} link)
      if(NOT link)
        set(link "")
      endif()
      string(REPLACE " " ";" link "${link}")
      foreach(library ${link})  # Debian has the headers of all of Boost in one package
        find_library(COURSE_FOUND_LIB_${library} ${library})
        mark_as_advanced(COURSE_FOUND_LIB_${library})
        if(NOT COURSE_FOUND_LIB_${library})
          set(${found} "")
        endif()
      endforeach()
      if(NOT ${found})
        list(APPEND packages ${package})
      endif()
    endforeach()
  endif()
  set(sentence "")
  if(packages)
    list(JOIN packages " " list)
    list(JOIN packages " and " sentence)
    set(sentence "it needs ${sentence}; as root, type: apt-get install -y ${list}")
  endif()
  set(${result} "${sentence}" PARENT_SCOPE)
endfunction()

# A stage that cannot be built here. All else goes on: its target says why and fails, its suite is
# skipped, and ./course reads the reason from BUILD/left-out/CHAPTER-STAGE.
function(course_leave_out chapter name why)
  set(stage ${chapter}-${name})
  message(STATUS "${chapter}/${name} is left out: ${why}")
  file(WRITE "${CMAKE_BINARY_DIR}/left-out/${stage}" "${why}\n")
  add_custom_target(${stage} COMMAND "${CMAKE_COMMAND}" -E echo "${chapter}/${name}: ${why}"
    COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
  file(GLOB suite_source CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/tests/${name}.cpp")
  if(suite_source)
    course_letter(letter ${name})
    add_custom_target(${stage}-tests)
    add_test(NAME ${stage}-tests COMMAND "${CMAKE_COMMAND}" -E echo "left out: ${why}")
    set_tests_properties(${stage}-tests PROPERTIES SKIP_REGULAR_EXPRESSION "^left out: "
      LABELS "${chapter};${chapter}/${letter}")
  endif()
endfunction()

# "a" of a-epoll; an excursion, and a tool, is named in full.
function(course_letter result name)
  set(${result} ${name} PARENT_SCOPE)
  if(name MATCHES "^([a-wyz])-")
    set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
  endif()
endfunction()

function(course_stage chapter name folder entry)
  set(stage ${chapter}-${name})
  course_letter(letter ${name})
  string(JSON optimised ERROR_VARIABLE none GET "${entry}" optimised)
  course_sources(sources "${folder}")
  if(NOT sources)  # everything else shall build all the same
    message(WARNING "${chapter}/${name} has no .cpp file in ${folder}")
    return()
  endif()
  course_programs(${stage} SOURCES ${sources} LIBRARIES course::common)
  string(JSON corofy ERROR_VARIABLE none GET "${entry}" corofy)
  if(none STREQUAL "NOTFOUND")
    course_corofied(${stage} "${folder}" "${corofy}")
    set_tests_properties(${stage}-corofied PROPERTIES LABELS "${chapter};${chapter}/${letter}")
    add_dependencies(${chapter} corofy)
  endif()

  # Looked for again at each build: it may come later than the stage.
  file(GLOB suite CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/tests/${name}.cpp")
  if(suite)
    course_stage_suite(${stage} "${suite}" "${folder}")
    if(optimised)
      course_optimise(${stage}-suite)
    else()
      course_precompile_suite(${stage}-suite)
    endif()
    course_test(${stage}-tests ${chapter} "${chapter}/${letter}")
    add_dependencies(${stage}-tests ${stage}-with-faults)  # it also runs the whole program
  endif()

  file(GLOB bench CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}.cpp")
  if(bench)
    course_stage_bench(${stage} "${bench}" "${folder}" "${entry}")
    course_corofied(${stage}-bench "${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}" "")
    add_custom_target(${stage}-bench-once VERBATIM COMMAND "${CMAKE_COMMAND}" -E env COURSE_BENCH_QUICK=1
      ${CMAKE_CROSSCOMPILING_EMULATOR} "$<TARGET_FILE:${stage}-bench>")
    add_dependencies(${chapter}-benches ${stage}-bench-once)
  endif()
endfunction()

# A stage for Windows: all its sources make BUILD/bin/CHAPTER-STAGE.exe, at once, with mingw-w64's
# compiler (a program has its system from the toolchain, and CMake has one toolchain a build). The
# script BUILD/bin/CHAPTER-STAGE runs it under wine, so that it is run, toured and tested like all
# others; but no system call of it can be made to fail. A suite cannot link what is for Windows:
# where tests/STAGE-probe.cpp stands beside it, that becomes a program of its own for Windows,
# together with all of the stage but main.cpp, and the suite runs it as STAGE_PROBE.
function(course_windows_stage chapter name folder)
  set(stage ${chapter}-${name})
  course_letter(letter ${name})
  set(bin "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  course_sources(sources "${folder}")
  if(NOT sources)  # everything else shall build all the same
    message(WARNING "${chapter}/${name} has no .cpp file in ${folder}")
    return()
  endif()
  course_windows_program(${stage} "${folder}" ${sources})
  add_custom_target(${stage} ALL DEPENDS "${bin}/${stage}.exe")

  set(suite_source "${CMAKE_CURRENT_SOURCE_DIR}/tests/${name}.cpp")
  if(EXISTS "${suite_source}")
    course_suite(${stage}-tests SOURCES "${suite_source}" LABELS ${chapter} "${chapter}/${letter}"
      LIBRARIES course::common)
    add_dependencies(${stage}-tests ${stage})
    target_compile_definitions(${stage}-tests PRIVATE STAGE_PROGRAM="${bin}/${stage}")
    set(probe "${CMAKE_CURRENT_SOURCE_DIR}/tests/${name}-probe.cpp")
    if(EXISTS "${probe}")
      list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
      course_windows_program(${stage}-probe "${folder}" ${sources} "${probe}")
      add_custom_target(${stage}-probe DEPENDS "${bin}/${stage}-probe.exe")
      add_dependencies(${stage}-tests ${stage}-probe)
      target_compile_definitions(${stage}-tests PRIVATE STAGE_PROBE="${bin}/${stage}-probe")
    endif()
  endif()
endfunction()

# BUILD/bin/NAME.exe from these sources and the headers in `folder`, and the script BUILD/bin/NAME.
function(course_windows_program name folder)
  set(bin "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  file(GLOB headers CONFIGURE_DEPENDS "${folder}/*.hpp")
  # -static: wine would look for the compiler's own DLLs where they are not.
  add_custom_command(OUTPUT "${bin}/${name}.exe" DEPENDS ${ARGN} ${headers}
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${bin}"
    COMMAND "${COURSE_FOUND_g___mingw_w64_x86_64}" -std=c++20 ${COURSE_WARNINGS} -g -static
      "-I${folder}" -o "${bin}/${name}.exe" ${ARGN}
    COMMENT "Building ${name}.exe" VERBATIM)

  course_wine_prefix()
  file(CONFIGURE OUTPUT "${bin}/${name}" @ONLY CONTENT [[
#!/bin/sh
bin=$(cd "$(dirname -- "$0")" && pwd) || exit
WINEPREFIX=$bin/../wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES
exec '@COURSE_FOUND_wine64@' "$bin/@name@.exe" "$@"
]])
  file(CHMOD "${bin}/${name}" PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()

# Adds to `result` why a program for Windows cannot be run here, if the machine is the reason.
function(course_no_windows result missing)
  if(CMAKE_CROSSCOMPILING OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(missing "its program is for Windows on x86-64, which wine runs on an x86-64 machine only")
  elseif(NOT missing)
    course_wine_libraries(libraries)
    if(NOT libraries)
      set(missing "${COURSE_FOUND_wine64} is there, but not the folder with wine's kernel32.dll")
    endif()
  endif()
  set(${result} "${missing}" PARENT_SCOPE)
endfunction()

# Where wine's own DLLs are.
function(course_wine_libraries result)
  file(GLOB folders /usr/lib/*/wine/x86_64-windows /usr/lib*/wine/x86_64-windows
    /opt/wine-*/lib*/wine/x86_64-windows)
  set(found "")
  foreach(folder ${folders})
    if(EXISTS "${folder}/kernel32.dll")
      set(found "${folder}")
      break()
    endif()
  endforeach()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

# Makes BUILD/wine, the folder in which wine keeps what a Windows has on its disk. wine would make one by itself:
# 700 MB of copies of its own libraries, in ten seconds; and it would start services in it that go on
# for a while when the program has ended, and hold its output open. Links to the libraries are enough
# for a program that needs nothing but them.
function(course_wine_prefix)
  set(prefix "${CMAKE_BINARY_DIR}/wine")
  course_wine_libraries(libraries)
  set(system32 "${prefix}/drive_c/windows/system32")
  file(GLOB files RELATIVE "${libraries}" "${libraries}/*.dll")
  file(MAKE_DIRECTORY "${system32}")
  foreach(file ${files})
    if(NOT IS_SYMLINK "${system32}/${file}")
      file(CREATE_LINK "${libraries}/${file}" "${system32}/${file}" SYMBOLIC)
    endif()
  endforeach()
  file(WRITE "${prefix}/.update-timestamp" "disable\n")  # it stays as it is, for a newer wine, too
endfunction()

enable_testing()
# The whole course builds all of common; a chapter on its own only what it needs.
if(PROJECT_NAME STREQUAL "async-course")
  add_subdirectory(common)
else()
  add_subdirectory("${CMAKE_CURRENT_LIST_DIR}/.." "${CMAKE_BINARY_DIR}/common" EXCLUDE_FROM_ALL)
  set_target_properties(delayserver PROPERTIES EXCLUDE_FROM_ALL OFF)
endif()
