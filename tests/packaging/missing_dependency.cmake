# Configures judgeval as on a machine that lacks one dependency, and expects an error that names the Debian package to
# install. MISSING is the name given to find_package, or "pkg-config" to hide everything found through pkg-config.
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(hide "-DCMAKE_DISABLE_FIND_PACKAGE_${MISSING}=ON")
if(MISSING STREQUAL "pkg-config")
    set(hide "")
    set(ENV{PKG_CONFIG_LIBDIR} "${WORK_DIR}")
    set(ENV{PKG_CONFIG_PATH} "")
endif()
execute_process(
    COMMAND "${CMAKE_COMMAND}" --fresh -G "${GENERATOR}" -S "${SOURCE_DIR}" -B "${WORK_DIR}"
            "-DCMAKE_CXX_COMPILER=${COMPILER}" ${hide}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE errors
)
if(result EQUAL 0)
    message(FATAL_ERROR "configuring without ${MISSING} succeeded")
endif()
# CMake breaks long lines of its messages.
string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
string(FIND "${errors}" "apt-get install ${DEBIAN_PACKAGE} " position)
if(position EQUAL -1)
    message(FATAL_ERROR "the error does not say \"apt-get install ${DEBIAN_PACKAGE}\":\n${errors}")
endif()
