// SPDX-License-Identifier: MIT
/// The smallest program that uses all of an installed quoin. Exit code 0: it works.
#include "exchange.hpp"

int main() { return exchange() ? 0 : 1; }
