// SPDX-License-Identifier: MIT
/// A signpost, until 0.3: this header is <quoin/connection.hpp> now.
#pragma once

#include <quoin/connection.hpp>
