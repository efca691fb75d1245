// SPDX-License-Identifier: MIT
/// A signpost, until 0.3: this header is <quoin/tls_request.hpp> now.
#pragma once

#include <quoin/tls_request.hpp>
