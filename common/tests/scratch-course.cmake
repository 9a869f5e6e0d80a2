# The course.cmake of the small course in workbench.cpp (generator expressions are filled in).
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_EXTENSIONS OFF)
enable_language(ASM)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(COURSE_SANITIZE "" CACHE STRING "As in the course")
if(COURSE_SANITIZE)
  add_compile_options(-fsanitize=${COURSE_SANITIZE})
  add_link_options(-fsanitize=${COURSE_SANITIZE})
endif()
include("$<TARGET_PROPERTY:course_common,SOURCE_DIR>/cmake/programs.cmake")
add_library(course::common INTERFACE IMPORTED)
add_library(course::faults INTERFACE IMPORTED)
add_library(course::testing INTERFACE IMPORTED)
target_include_directories(course::testing INTERFACE
  "$<TARGET_PROPERTY:course_common,SOURCE_DIR>"
  "$<TARGET_PROPERTY:doctest::doctest,INTERFACE_INCLUDE_DIRECTORIES>")
target_link_libraries(course::testing INTERFACE
  "$<TARGET_OBJECTS:course_testing_main>" "$<TARGET_FILE:course_testing>"
  "$<TARGET_FILE:course_process>" "$<TARGET_FILE:course_delayserver>"
  "$<TARGET_FILE:course_common>")
