// Compiled with JUDGEVAL_DISABLE, and linked with translation units that are not.
#define JUDGEVAL_DISABLE
#include "api/disabled_part.hpp"

#include "api/disabled_calls.hpp"

namespace judgeval::test {

std::string run_disabled_part(int& serialized) { return make_client_and_every_call(serialized); }

}  // namespace judgeval::test
