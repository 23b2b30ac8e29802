// SetupError: what a user did wrong while setting up.
//
// Thrown by the constructors of Judgeval and by tracer.create() only, on the calling thread, and only for
// what was written in code. Wrong values in the environment give one warning and a stated default instead. At
// run time nothing throws.
#pragma once

#include <stdexcept>
#include <string>

#include "judgeval/export.hpp"

namespace judgeval {

enum class SetupErrorCode {
    kInvalidUrl,
    kInvalidOption,
    kInvalidHeader,  ///< a key, id or name with a character that may not stand in an HTTP header
};

class JUDGEVAL_API SetupError : public std::invalid_argument {
  public:
    SetupError(SetupErrorCode code, const std::string& message)
        : std::invalid_argument(message), code_(code) {}
    [[nodiscard]] SetupErrorCode code() const noexcept { return code_; }

  private:
    SetupErrorCode code_;
};

}  // namespace judgeval
