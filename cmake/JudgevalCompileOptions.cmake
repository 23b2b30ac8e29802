# Flags for judgeval's own targets, as two interface targets that each of them links privately. Nothing here is global,
# so that a project that adds judgeval as a subproject keeps its own flags.
include_guard(GLOBAL)

add_library(judgeval_warnings INTERFACE)
target_compile_options(
    judgeval_warnings
    INTERFACE
        -Wall
        -Wextra
        -Wpedantic
        -Wshadow
        -Wconversion
        -Wsign-conversion
        -Wold-style-cast
        -Woverloaded-virtual
        -Wnon-virtual-dtor
        -Wcast-qual
        $<$<BOOL:${JUDGEVAL_WARNINGS_AS_ERRORS}>:-Werror>
)

add_library(judgeval_instrumentation INTERFACE)
if(JUDGEVAL_SANITIZE)
    list(JOIN JUDGEVAL_SANITIZE "," judgeval_sanitizers)
    target_compile_options(
        judgeval_instrumentation
        INTERFACE "-fsanitize=${judgeval_sanitizers}" -fno-sanitize-recover=all -fno-omit-frame-pointer
                  # The linker turns the `add` that makes a thread-local's address into a `lea`, which leaves the flags
                  # alone by which GCC's check for null goes. AddressSanitizer sees a null that is used.
                  $<$<CXX_COMPILER_ID:GNU>:-fno-sanitize=null>
    )
    target_link_options(judgeval_instrumentation INTERFACE "-fsanitize=${judgeval_sanitizers}")
    if("thread" IN_LIST JUDGEVAL_SANITIZE)
        # GCC warns wherever an inlined header uses a fence, which its ThreadSanitizer does not model.
        target_compile_options(judgeval_instrumentation INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
endif()
if(JUDGEVAL_COVERAGE)
    target_compile_options(judgeval_instrumentation INTERFACE --coverage)
    target_link_options(judgeval_instrumentation INTERFACE --coverage)
endif()
