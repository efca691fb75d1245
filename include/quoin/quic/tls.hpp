// SPDX-License-Identifier: MIT
/// A signpost, until 0.3: this header is <quoin/tls.hpp> now.
#pragma once

#include <quoin/tls.hpp>
