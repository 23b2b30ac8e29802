// judgeval-cpp: agent tracing for Judgment, or any OpenTelemetry backend. This header brings the whole API.
//
//     judgeval::Judgeval client({.project_name = "default_project"});
//     auto tracer = client.tracer.create();
//     auto span = tracer.span("handle_request", {.type = "function"});
//
// Compile with JUDGEVAL_DISABLE to make all of it nothing.
#pragma once

#include "judgeval/client.hpp"
#include "judgeval/error.hpp"
#include "judgeval/prometheus.hpp"
#include "judgeval/propagation.hpp"
#include "judgeval/version.hpp"
