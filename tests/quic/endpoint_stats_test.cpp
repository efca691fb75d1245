// SPDX-License-Identifier: MIT
/// What an endpoint counts.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/quic/endpoint.hpp>

#include "support/sums.hpp"

using namespace quoin;

TEST_CASE("the sum of two endpoints' figures has every figure of both") {
  CHECK(what_is_not_summed<quic::EndpointStats>() == std::string{});
}
