# What the library is beyond its sources: judgeval_configure_library() gives it its name for users, its visibility, its
# generated headers and its install rules; judgeval_add_internal_library() gives the tests a way behind the public
# interface; judgeval_configure_program() sets up any other target of this project.
include_guard(GLOBAL)

set(JUDGEVAL_GENERATED_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include")

# judgeval_configure_program(<target>)
# Language level, warnings and instrumentation for a target of this project that is not installed.
function(judgeval_configure_program target)
    target_compile_features(${target} PRIVATE cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    target_link_libraries(${target} PRIVATE judgeval_warnings judgeval_instrumentation)
endfunction()

# Compiles and links like the installed library, without its name and install rules.
function(judgeval_compile_as_library target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(
        ${target}
        PROPERTIES CXX_EXTENSIONS OFF
                   CXX_VISIBILITY_PRESET hidden
                   VISIBILITY_INLINES_HIDDEN ON
                   POSITION_INDEPENDENT_CODE ON
    )
    target_include_directories(
        ${target}
        PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
               "$<BUILD_INTERFACE:${JUDGEVAL_GENERATED_INCLUDE_DIR}>"
        PRIVATE "${PROJECT_SOURCE_DIR}/src"
    )
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC does not inline exported functions into each other without it; Clang does.
        target_compile_options(${target} PRIVATE -fno-semantic-interposition)
    endif()
    # Build only: a program that links an installed judgeval needs none of these six.
    target_link_libraries(
        ${target}
        PRIVATE $<BUILD_INTERFACE:judgeval_warnings>
                $<BUILD_INTERFACE:judgeval_instrumentation>
                $<BUILD_INTERFACE:judgeval_dependency_concurrentqueue>
                $<BUILD_INTERFACE:judgeval_dependency_protozero>
                $<BUILD_INTERFACE:judgeval_schemas>
                $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>
                PkgConfig::JUDGEVAL_ZSTD
                simdjson::simdjson
                ZLIB::ZLIB
                CURL::libcurl
                Threads::Threads
    )
endfunction()

# judgeval_configure_library(<target>)
# The library users link: judgeval::judgeval.
function(judgeval_configure_library target)
    judgeval_compile_as_library(${target})
    add_library(judgeval::judgeval ALIAS ${target})
    # Before 1.0 a minor version may change the binary interface.
    set_target_properties(
        ${target}
        PROPERTIES VERSION ${PROJECT_VERSION}
                   SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                   EXPORT_NAME judgeval
                   OUTPUT_NAME judgeval
    )

    include(GenerateExportHeader)
    generate_export_header(
        ${target}
        BASE_NAME JUDGEVAL
        EXPORT_MACRO_NAME JUDGEVAL_API
        EXPORT_FILE_NAME "${JUDGEVAL_GENERATED_INCLUDE_DIR}/judgeval/export.hpp"
    )
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
        target_compile_definitions(${target} PUBLIC JUDGEVAL_STATIC_DEFINE)
    endif()
    configure_file(
        "${PROJECT_SOURCE_DIR}/cmake/version.hpp.in" "${JUDGEVAL_GENERATED_INCLUDE_DIR}/judgeval/version.hpp" @ONLY
    )

    if(JUDGEVAL_INSTALL)
        judgeval_install_library(${target} ${type})
    endif()
endfunction()

# judgeval_add_internal_library(<target> <source>...)
# The same code with nothing hidden, and src/ on the include path: for tests and benchmarks of internals. A static
# judgeval hides nothing from the linker, so it is not compiled a second time.
function(judgeval_add_internal_library target)
    get_target_property(type judgeval TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
        add_library(${target} INTERFACE)
        target_link_libraries(${target} INTERFACE judgeval)
    else()
        add_library(${target} STATIC EXCLUDE_FROM_ALL ${ARGN})
        judgeval_compile_as_library(${target})
        target_compile_definitions(${target} PUBLIC JUDGEVAL_STATIC_DEFINE)
    endif()
    target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(
        ${target}
        INTERFACE judgeval_dependency_concurrentqueue
                  judgeval_schemas
                  PkgConfig::JUDGEVAL_ZSTD
                  simdjson::simdjson
                  ZLIB::ZLIB
                  CURL::libcurl
                  Threads::Threads
    )
endfunction()

# judgeval_configure_testing_library(<target>)
# What users link to their tests: judgeval::testing. Beside judgeval, in the same package.
function(judgeval_configure_testing_library target)
    add_library(judgeval::testing ALIAS ${target})
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(
        ${target}
        PROPERTIES CXX_EXTENSIONS OFF
                   POSITION_INDEPENDENT_CODE ON
                   VERSION ${PROJECT_VERSION}
                   SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                   EXPORT_NAME testing
    )
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(
        ${target}
        PUBLIC judgeval
        PRIVATE $<BUILD_INTERFACE:judgeval_warnings>
                $<BUILD_INTERFACE:judgeval_instrumentation>
                $<BUILD_INTERFACE:judgeval_dependency_protozero>
                $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>
                simdjson::simdjson
    )
    if(JUDGEVAL_INSTALL)
        include(GNUInstallDirs)
        install(
            TARGETS ${target}
            EXPORT judgevalTargets
            ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        )
    else()
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON) # for who links it
    endif()
endfunction()

function(judgeval_install_library target type)
    include(GNUInstallDirs)
    include(CMakePackageConfigHelpers)
    set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/judgeval")

    install(
        TARGETS ${target}
        EXPORT judgevalTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    )
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/judgeval" "${JUDGEVAL_GENERATED_INCLUDE_DIR}/judgeval"
            DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
            FILES_MATCHING PATTERN "*.hpp"
    )
    install(EXPORT judgevalTargets NAMESPACE judgeval:: DESTINATION "${package_dir}")

    # A static library leaves finding its private dependencies to whoever links it; a shared one has them inside.
    set(JUDGEVAL_PACKAGE_IS_STATIC OFF)
    set(JUDGEVAL_PKG_CONFIG_PRIVATE "")
    set(JUDGEVAL_PKG_CONFIG_DEFINITIONS "")
    if(type STREQUAL "STATIC_LIBRARY")
        set(JUDGEVAL_PACKAGE_IS_STATIC ON)
        # By name, not by Requires.private: that would bring in what a static libcurl needs in turn (LDAP, Kerberos,
        # ...), a dozen development packages that linking with its shared library does without.
        set(JUDGEVAL_PKG_CONFIG_PRIVATE "Libs.private: -lzstd -lz -lcurl -lsimdjson -pthread\n")
        set(JUDGEVAL_PKG_CONFIG_DEFINITIONS " -DJUDGEVAL_STATIC_DEFINE")
    endif()

    configure_package_config_file(
        "${PROJECT_SOURCE_DIR}/cmake/judgevalConfig.cmake.in" "${PROJECT_BINARY_DIR}/judgevalConfig.cmake"
        INSTALL_DESTINATION "${package_dir}"
        NO_SET_AND_CHECK_MACRO
        NO_CHECK_REQUIRED_COMPONENTS_MACRO
    )
    write_basic_package_version_file(
        "${PROJECT_BINARY_DIR}/judgevalConfigVersion.cmake" COMPATIBILITY SameMinorVersion
    )
    install(FILES "${PROJECT_BINARY_DIR}/judgevalConfig.cmake" "${PROJECT_BINARY_DIR}/judgevalConfigVersion.cmake"
            DESTINATION "${package_dir}"
    )

    # Paths relative to the .pc file itself, so that an installed tree can be moved.
    file(
        RELATIVE_PATH
        JUDGEVAL_PKG_CONFIG_PREFIX
        "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig"
        "${CMAKE_INSTALL_PREFIX}"
    )
    string(REGEX REPLACE "/$" "" JUDGEVAL_PKG_CONFIG_PREFIX "${JUDGEVAL_PKG_CONFIG_PREFIX}")
    file(RELATIVE_PATH JUDGEVAL_PKG_CONFIG_LIBDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
    file(RELATIVE_PATH JUDGEVAL_PKG_CONFIG_INCLUDEDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/judgeval.pc.in" "${PROJECT_BINARY_DIR}/judgeval.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/judgeval.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()
