# Helpers for the scripts in this folder, which ctest runs as `cmake -P`.

# run(<command>...): runs a command; on failure stops with all that it printed. Its standard output is in `output`.
function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}\nfailed with ${result}\n${output}\n${errors}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

# Runs the consumer: it has to print the version of the sources it was built from.
function(expect_version)
    run(${ARGN})
    string(STRIP "${output}" output)
    if(NOT output STREQUAL VERSION)
        message(FATAL_ERROR "the consumer printed \"${output}\", not \"${VERSION}\"")
    endif()
endfunction()
