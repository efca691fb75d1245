// SPDX-License-Identifier: MIT
/// A signpost, until 0.3: this header is <quoin/streaming.hpp> now.
#pragma once

#include <quoin/streaming.hpp>
