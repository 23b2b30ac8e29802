# Finds what judgeval is built with and gives each a stable target name. Whatever is missing stops the configuration
# with the name of the Debian package that brings it. The targets are global: a static judgeval passes its
# libraries on to whoever links it, in whatever directory that is.
include_guard(GLOBAL)

function(judgeval_missing name debian_package)
    message(FATAL_ERROR "judgeval needs ${name}, which was not found. On Debian: apt-get install ${debian_package}")
endfunction()

# judgeval_find_header(<target> <name> <debian package> <header>)
# A header-only library without a CMake package.
function(judgeval_find_header target name debian_package header)
    string(TOUPPER "${target}_INCLUDE_DIR" variable)
    find_path(${variable} NAMES ${header})
    mark_as_advanced(${variable})
    if(NOT ${variable})
        judgeval_missing("${name}" ${debian_package})
    endif()
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${${variable}}")
endfunction()

find_package(PkgConfig QUIET GLOBAL)
if(NOT PKG_CONFIG_FOUND)
    judgeval_missing("pkg-config" pkg-config)
endif()

# What the library itself is made of.
find_package(Threads REQUIRED GLOBAL)

find_package(ZLIB QUIET GLOBAL)
if(NOT ZLIB_FOUND)
    judgeval_missing("zlib" zlib1g-dev)
endif()

find_package(CURL QUIET GLOBAL)
if(NOT CURL_FOUND)
    judgeval_missing("libcurl" libcurl4-openssl-dev)
endif()

find_package(simdjson CONFIG QUIET GLOBAL)
if(NOT simdjson_FOUND)
    judgeval_missing("simdjson" libsimdjson-dev)
endif()

pkg_check_modules(JUDGEVAL_ZSTD QUIET IMPORTED_TARGET GLOBAL libzstd)
if(NOT JUDGEVAL_ZSTD_FOUND)
    judgeval_missing("zstd" libzstd-dev)
endif()

# Debian has the queue as concurrentqueue/concurrentqueue.h, which is how the sources include it; where it was installed
# by its own build it is moodycamel/concurrentqueue.h, and a forwarding header bridges the two.
find_path(JUDGEVAL_MOODYCAMEL_INCLUDE_DIR moodycamel/concurrentqueue.h PATH_SUFFIXES concurrentqueue)
mark_as_advanced(JUDGEVAL_MOODYCAMEL_INCLUDE_DIR)
if(JUDGEVAL_MOODYCAMEL_INCLUDE_DIR)
    set(judgeval_forwarding_dir "${PROJECT_BINARY_DIR}/forwarding")
    file(
        CONFIGURE
        OUTPUT "${judgeval_forwarding_dir}/concurrentqueue/concurrentqueue.h"
        CONTENT "#include <moodycamel/concurrentqueue.h>\n"
    )
    add_library(judgeval_dependency_concurrentqueue INTERFACE IMPORTED GLOBAL)
    set_target_properties(
        judgeval_dependency_concurrentqueue
        PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${judgeval_forwarding_dir};${JUDGEVAL_MOODYCAMEL_INCLUDE_DIR}"
    )
else()
    judgeval_find_header(
        judgeval_dependency_concurrentqueue "moodycamel's concurrentqueue" libconcurrentqueue-dev
        concurrentqueue/concurrentqueue.h
    )
endif()

# Header-only, for its cold paths: nothing of the three is left in the built library.
find_package(nlohmann_json CONFIG QUIET GLOBAL)
if(NOT nlohmann_json_FOUND)
    judgeval_missing("nlohmann json" nlohmann-json3-dev)
endif()
judgeval_find_header(
    judgeval_dependency_protozero "protozero" libprotozero-dev protozero/pbf_reader.hpp
)

judgeval_find_header(
    judgeval_dependency_flatbuffers "FlatBuffers" libflatbuffers-dev flatbuffers/flatbuffers.h
)
find_program(JUDGEVAL_FLATC flatc)
mark_as_advanced(JUDGEVAL_FLATC)
if(NOT JUDGEVAL_FLATC)
    judgeval_missing("flatc" flatbuffers-compiler)
endif()

# What only the tools and the tests need.
if(JUDGEVAL_BUILD_TOOLS OR JUDGEVAL_BUILD_TESTS OR JUDGEVAL_BUILD_EXAMPLES)
    find_package(CLI11 CONFIG QUIET GLOBAL)
    if(NOT CLI11_FOUND)
        judgeval_missing("CLI11" libcli11-dev)
    endif()
endif()
if(JUDGEVAL_BUILD_TESTS OR JUDGEVAL_BUILD_FUZZ)
    find_package(GTest CONFIG QUIET GLOBAL)
    if(NOT TARGET GTest::gtest_main)
        judgeval_missing("GoogleTest" libgtest-dev)
    endif()
    if(NOT TARGET GTest::gmock)
        judgeval_missing("GoogleMock" libgmock-dev)
    endif()
endif()
if(JUDGEVAL_BUILD_TESTS)
    judgeval_find_header(judgeval_dependency_boost "Boost" libboost-dev boost/version.hpp)
endif()
if(JUDGEVAL_BUILD_BENCH)
    find_package(benchmark CONFIG QUIET GLOBAL)
    if(NOT benchmark_FOUND)
        judgeval_missing("Google Benchmark" libbenchmark-dev)
    endif()
endif()
