// SPDX-License-Identifier: MIT
/// A signpost, until 0.3: this header is <quoin/headers.hpp> now.
#pragma once

#include <quoin/headers.hpp>
