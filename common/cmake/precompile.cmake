# For CI's later builds of what its first ones have built already: the standard library's headers are
# compiled once for all targets (COURSE_PRECOMPILE), which halves the time of most. Off everywhere
# else, so that no include can be missing. Not doctest, json and CLI11: their global objects would
# cost each file more than the headers do.
option(COURSE_PRECOMPILE "Compile the standard library's headers once, for all targets" OFF)
if(NOT COURSE_PRECOMPILE)
  return()
endif()

file(WRITE "${CMAKE_BINARY_DIR}/precompiled.cpp" "")
add_library(course_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled.cpp")
target_link_libraries(course_precompiled PRIVATE Threads::Threads)
target_precompile_headers(course_precompiled PRIVATE ${COURSE_STANDARD_HEADERS})

# All targets that are compiled with the same options.
function(course_reuse folder)
  get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(options ${target} COMPILE_OPTIONS)
    if(type MATCHES "^(EXECUTABLE|OBJECT_LIBRARY|STATIC_LIBRARY)$"
        AND NOT target STREQUAL "course_precompiled" AND NOT options MATCHES "-O|-fsanitize=fuzzer")
      target_precompile_headers(${target} REUSE_FROM course_precompiled)
    endif()
  endforeach()
  get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(each ${folders})
    course_reuse("${each}")
  endforeach()
endfunction()
course_reuse("${PROJECT_SOURCE_DIR}")
