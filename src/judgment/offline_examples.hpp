// The examples that an offline tracer's traces become, until the user takes them.
//
// Added by whichever thread ends a root, under a lock; nothing here is sent. One lock for all, since it must
// not be held across a fork (src/tracer.cpp) and experiments end few traces.
#pragma once

#include <mutex>
#include <vector>

#include "judgeval/offline_tracer.hpp"

namespace judgeval::detail {

class OfflineExamples {
  public:
    static std::mutex& mutex() noexcept;

    /// `every`: the fields of each example.
    explicit OfflineExamples(ExampleData every) : every_(std::move(every)) {}

    /// One that there is no memory for is left out.
    void add(const TraceId& trace_id) noexcept;
    [[nodiscard]] std::vector<ExampleData> take() noexcept;

  private:
    const ExampleData every_;
    std::vector<ExampleData> examples_;  ///< guarded by mutex()
};

}  // namespace judgeval::detail
