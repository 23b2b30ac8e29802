// The one definition of the thread's state.
#include "record/thread_state.hpp"

#include <cxxabi.h>

namespace judgeval::detail {

constinit thread_local ThreadState thread_state;

const ExceptionGlobals* find_exception_globals() noexcept {
    return reinterpret_cast<const ExceptionGlobals*>(abi::__cxa_get_globals());
}

}  // namespace judgeval::detail
