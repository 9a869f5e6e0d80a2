# corofy, the tool of chapter 7, which makes state machines of functions that say `coroutine` and `wait`.
include_guard(GLOBAL)

# The program itself: of chapter 7's objects where that chapter is built, else of its sources.
function(course_corofy)
  if(TARGET corofy)
    return()
  endif()
  if(TARGET ch07-corofy-main)
    add_executable(corofy $<TARGET_OBJECTS:ch07-corofy-main> $<TARGET_OBJECTS:ch07-corofy-parts>)
    set_target_properties(corofy PROPERTIES LINKER_LANGUAGE CXX)
  else()
    file(GLOB sources CONFIGURE_DEPENDS "${COURSE_COMMON}/../ch07-coroutines/corofy/*.cpp")
    add_executable(corofy EXCLUDE_FROM_ALL ${sources})
  endif()
endfunction()

# Makes OUT of FILE whenever something needs it that is built.
function(corofy_command file out options)
  cmake_path(GET out PARENT_PATH folder)
  add_custom_command(OUTPUT "${out}" DEPENDS "${file}" corofy
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}"
    COMMAND corofy ${options} "${file}" "${out}"
    COMMAND "${CMAKE_COMMAND}" -E touch "${out}"  # corofy leaves a file alone that would be the same
    COMMENT "Rewriting ${file}" VERBATIM)
endfunction()

# corofy_sources(TARGET FILE… [OPTIONS option…])
# Rewrites these files whenever the target is built, and compiles what comes of them. Their own folder
# is on the include path. The options are corofy's: --hoist, --waker, --pin. What corofy refuses is an
# error at the line of the file, as if the compiler had found it.
function(corofy_sources target)
  cmake_parse_arguments(PARSE_ARGV 1 rewrite "" "" "OPTIONS")
  course_corofy()
  foreach(file ${rewrite_UNPARSED_ARGUMENTS})
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    cmake_path(GET file STEM LAST_ONLY stem)
    cmake_path(GET file EXTENSION LAST_ONLY extension)
    cmake_path(GET file PARENT_PATH folder)
    set(out "${CMAKE_CURRENT_BINARY_DIR}/corofied/${target}/${stem}_corofied${extension}")
    corofy_command("${file}" "${out}" "${rewrite_OPTIONS}")
    target_sources(${target} PRIVATE "${out}")
    target_include_directories(${target} PRIVATE "${folder}")
  endforeach()
endfunction()

# A stage whose main_corofied.cpp is kept beside its main.cpp (or a bench, a header of that kind): a test
# that it is what corofy makes of it, and a command of the target `corofied` that makes it anew.
function(course_corofied stage folder options)
  separate_arguments(options)
  file(GLOB files CONFIGURE_DEPENDS "${folder}/*_corofied.[ch]pp")
  foreach(out ${files})
    string(REGEX REPLACE "_corofied(\\.[ch]pp)$" "\\1" in "${out}")
    add_test(NAME ${stage}-corofied COMMAND corofy --check ${options} "${in}" "${out}")
    add_custom_target(${stage}-corofied COMMAND corofy ${options} "${in}" "${out}" VERBATIM)
    if(NOT TARGET corofied)
      add_custom_target(corofied)
    endif()
    add_dependencies(corofied ${stage}-corofied)
  endforeach()
endfunction()
