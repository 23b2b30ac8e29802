# Builds the consumer with nothing but the compiler and pkg-config, from the judgeval installed in PREFIX, and runs it.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(GLOB_RECURSE files "${PREFIX}/*/judgeval.pc")
list(LENGTH files count)
if(NOT count EQUAL 1)
    message(FATAL_ERROR "expected one judgeval.pc in ${PREFIX}, found: ${files}")
endif()
cmake_path(GET files PARENT_PATH pkg_config_dir)
cmake_path(GET pkg_config_dir PARENT_PATH library_dir)
set(ENV{PKG_CONFIG_PATH} "${pkg_config_dir}")

run(pkg-config --modversion judgeval)
string(STRIP "${output}" output)
if(NOT output STREQUAL VERSION)
    message(FATAL_ERROR "judgeval.pc states version ${output}, not ${VERSION}")
endif()

set(query --cflags --libs)
if(KIND STREQUAL "static")
    list(PREPEND query --static)
endif()
run(pkg-config ${query} judgeval)
separate_arguments(flags UNIX_COMMAND "${output}")
file(MAKE_DIRECTORY "${WORK_DIR}")
run(
    "${COMPILER}" -std=c++20 -O0 "${CMAKE_CURRENT_LIST_DIR}/consumer/main.cpp" -o "${WORK_DIR}/consumer" ${flags}
)
set(ENV{LD_LIBRARY_PATH} "${library_dir}")
expect_version("${WORK_DIR}/consumer")
