// Boost.Beast's fields as carriers, and with them its headers and messages.
//
//     boost::beast::http::request<boost::beast::http::string_body> request;
//     judgeval::inject(request);
#pragma once

#include <boost/beast/http/fields.hpp>
#include <string_view>

#include "judgeval/propagation.hpp"

namespace judgeval {

namespace detail {

template <typename Allocator>
void is_beast_fields(const boost::beast::http::basic_fields<Allocator>& fields);

/// The fields themselves, or what derives from them.
template <typename Carrier>
concept BeastFields = requires(const Carrier& carrier) {
    is_beast_fields(carrier);
};

}  // namespace detail

template <detail::BeastFields Carrier>
struct CarrierTraits<Carrier> {
    static void set(Carrier& fields, std::string_view name, std::string_view value) {
        const boost::beast::string_view field(name.data(), name.size());
        fields.erase(field);
        if (!value.empty()) fields.insert(field, boost::beast::string_view(value.data(), value.size()));
    }
    template <typename Visit>
    static void visit(const Carrier& fields, Visit visit) {
        for (const auto& field : fields) {
            const auto name = field.name_string();
            const auto value = field.value();
            visit(std::string_view(name.data(), name.size()), std::string_view(value.data(), value.size()));
        }
    }
};

}  // namespace judgeval
