# Builds the consumer in the folder CONSUMER with CMake and runs it. PREFIX is an installed judgeval for find_package; the
# others build judgeval from SOURCE_DIR themselves.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${WORK_DIR}/install")
run(
    "${CMAKE_COMMAND}"
    --fresh
    -G
    "${GENERATOR}"
    -S
    "${CMAKE_CURRENT_LIST_DIR}/${CONSUMER}"
    -B
    "${WORK_DIR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}"
    -DCMAKE_BUILD_TYPE=Debug
    -DCMAKE_CXX_FLAGS_DEBUG=-O0
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
    "-DCMAKE_PREFIX_PATH=${PREFIX}"
    "-DJUDGEVAL_SOURCE_DIR=${SOURCE_DIR}"
    "-DCMAKE_INSTALL_PREFIX=${WORK_DIR}/install"
)
run("${CMAKE_COMMAND}" --build "${WORK_DIR}" --parallel 2)
expect_version("${WORK_DIR}/consumer")
if(CONSUMER STREQUAL "find_package")
    expect_version("${WORK_DIR}/testing_consumer")
endif()

# The consumer's own source is compiled with its own flags: neither warnings nor visibility come along.
file(READ "${WORK_DIR}/compile_commands.json" commands)
string(JSON count LENGTH "${commands}")
math(EXPR last "${count} - 1")
set(seen FALSE)
foreach(i RANGE ${last})
    string(JSON file GET "${commands}" ${i} file)
    if(file MATCHES "consumer/main.cpp$")
        set(seen TRUE)
        string(JSON command GET "${commands}" ${i} command)
        if(command MATCHES " -(W[a-z]|fvisibility|fsanitize|Werror)")
            message(FATAL_ERROR "judgeval's flags reach the consumer: ${command}")
        endif()
    endif()
endforeach()
if(NOT seen)
    message(FATAL_ERROR "the consumer's source is not among the compile commands")
endif()

if(CONSUMER STREQUAL "add_subdirectory")
    run("${CMAKE_CTEST_COMMAND}" --test-dir "${WORK_DIR}" --show-only)
    if(NOT output MATCHES "Total Tests: 0")
        message(FATAL_ERROR "the consumer has tests it did not define:\n${output}")
    endif()
    run("${CMAKE_COMMAND}" --install "${WORK_DIR}")
    file(GLOB_RECURSE installed RELATIVE "${WORK_DIR}/install" "${WORK_DIR}/install/*")
    if(NOT installed STREQUAL "bin/consumer")
        message(FATAL_ERROR "installing the consumer installed: ${installed}")
    endif()
endif()
