// The frame around the records: ExportTraceServiceRequest { resource_spans { resource, scope_spans { scope,
// spans… } } }.
//
// Built once from the resource's attributes; a batch only adds its lengths. Pure functions.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "judgeval/options.hpp"

namespace judgeval::detail {

class Frame {
  public:
    Frame(const std::map<std::string, ResourceValue>& resource, std::string_view scope_name,
          std::string_view scope_version);

    /// The bytes that stand before `records_size` bytes of records.
    [[nodiscard]] std::string before(std::size_t records_size) const;

  private:
    std::string resource_;  ///< ResourceSpans.resource, with its tag
    std::string scope_;     ///< ScopeSpans.scope, with its tag
};

}  // namespace judgeval::detail
