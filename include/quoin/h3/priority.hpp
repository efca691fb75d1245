// SPDX-License-Identifier: MIT
/// A signpost, until 0.3: this header is <quoin/priority.hpp> now.
#pragma once

#include <quoin/priority.hpp>
