// SPDX-License-Identifier: MIT
/// A signpost, until 0.3: this header is <quoin/simulated.hpp> now.
#pragma once

#include <quoin/simulated.hpp>
