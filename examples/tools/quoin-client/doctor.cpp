// SPDX-License-Identifier: MIT
/// Prints what quoin/doctor.hpp finds.
#include "quoin-client/doctor.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <quoin/doctor.hpp>
#include <quoin/error.hpp>
#include <quoin/io/probe.hpp>
#include <quoin/tls.hpp>
#include <quoin/url.hpp>

#include "common/text.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/plan.hpp"

namespace quoin::tools {

namespace {

const char* word(io::Finding::Verdict verdict) noexcept {
  switch (verdict) {
    case io::Finding::Verdict::good:
      return "ok";
    case io::Finding::Verdict::note:
      return "note";
    case io::Finding::Verdict::bad:
      return "BAD";
  }
  return "";
}

void print(const std::vector<io::Finding>& findings) {
  for (const io::Finding& finding : findings) {
    std::printf("%-5s %-15s %s\n", word(finding.verdict), finding.subject.c_str(),
                without_controls(finding.detail).c_str());
    if (!finding.advice.empty()) std::printf("%21s> %s\n", "", finding.advice.c_str());
  }
}

}  // namespace

int run_doctor(const ClientOptions& options, const std::vector<PinnedAddress>& pinned,
               const Tls& tls) {
  std::vector<io::Finding> findings = examine_system();
  bool works = all_work(findings);
  print(findings);
  for (const std::string& text : options.urls) {
    DoctorOptions how;
    how.tls = tls;
    if (options.connect_timeout) how.timeout = *options.connect_timeout;
    if (const Result<Url> url = Url::parse(text)) {
      for (const PinnedAddress& each : pinned) {
        if (each.host == url->host && each.address.port() == url->port) {
          how.addresses.push_back(each.address);
        }
      }
    }
    std::printf("\n%s\n", without_controls(text).c_str());
    findings = examine_server(text, how);
    works = works && all_work(findings);
    print(findings);
  }
  return number(works ? ClientExit::success : ClientExit::unhealthy);
}

}  // namespace quoin::tools
