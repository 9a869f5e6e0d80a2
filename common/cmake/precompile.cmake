# For CI's later builds of what its first ones have built already: the standard library's headers are
# compiled once for all targets (COURSE_PRECOMPILE is "all"), which halves the time of most. Off
# everywhere else, so that no include can be missing in what a reader studies. Not doctest, json and
# CLI11: their global objects would cost each file more than the headers do.
if(NOT COURSE_PRECOMPILE STREQUAL "all")
  return()
endif()

course_precompiled(course_standard_library HEADERS ${COURSE_STANDARD_HEADERS} LIBRARIES Threads::Threads)

# All targets that are compiled with the same options.
function(course_reuse folder)
  get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(options ${target} COMPILE_OPTIONS)
    get_target_property(other ${target} PRECOMPILE_HEADERS_REUSE_FROM)
    get_target_property(own ${target} PRECOMPILE_HEADERS)
    if(type MATCHES "^(EXECUTABLE|OBJECT_LIBRARY|STATIC_LIBRARY)$"
        AND NOT other AND NOT own AND NOT options MATCHES "-O|-fsanitize=fuzzer")
      target_precompile_headers(${target} REUSE_FROM course_standard_library)
    endif()
  endforeach()
  get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(each ${folders})
    course_reuse("${each}")
  endforeach()
endfunction()
course_reuse("${PROJECT_SOURCE_DIR}")
