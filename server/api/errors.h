// Errors: the table of errors.def as functions: errors::NoLeader().
#pragma once

#include "base/result.h"

namespace quorate::api::errors {

#define QUORATE_ERROR(name, code, text) \
  inline Error name() {                 \
    return Error{Code::code, text};     \
  }
#include "api/errors.def"
#undef QUORATE_ERROR

}  // namespace quorate::api::errors
