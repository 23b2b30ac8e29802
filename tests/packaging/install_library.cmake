# Installs judgeval into PREFIX, from BUILD_DIR if that is a finished build of the wanted KIND (static or shared), else from
# a build made here in WORK_DIR. The tree is moved once after it was installed: an installed tree may be moved.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

if(NOT BUILD_DIR)
    set(BUILD_DIR "${WORK_DIR}/${KIND}-build")
    string(COMPARE EQUAL "${KIND}" "shared" is_shared)
    run(
        "${CMAKE_COMMAND}"
        -G
        "${GENERATOR}"
        -S
        "${SOURCE_DIR}"
        -B
        "${BUILD_DIR}"
        "-DCMAKE_CXX_COMPILER=${COMPILER}"
        -DCMAKE_BUILD_TYPE=Debug
        -DCMAKE_CXX_FLAGS_DEBUG=-O0
        -DBUILD_SHARED_LIBS=${is_shared}
        -DJUDGEVAL_BUILD_TESTS=OFF
        -DJUDGEVAL_BUILD_BENCH=OFF
        -DJUDGEVAL_BUILD_TOOLS=OFF
        -DJUDGEVAL_BUILD_EXAMPLES=OFF
    )
    run("${CMAKE_COMMAND}" --build "${BUILD_DIR}" --parallel 2)
endif()

file(REMOVE_RECURSE "${PREFIX}" "${PREFIX}-first")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${PREFIX}-first")
file(RENAME "${PREFIX}-first" "${PREFIX}")
