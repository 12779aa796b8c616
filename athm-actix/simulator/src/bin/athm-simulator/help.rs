//! What `--help` says after the options.

use std::fmt::Write;

use athm_simulator::ControlEndpoint;

const FAULTS: &str = "\
Faults of requests
  reject=BTRA_9998         refused with that code
  slow=2s                  answered so much later
  timeout                  never answered
  error                    HTTP 500
  bad-gateway              HTTP 502 and an HTML page
  garbage                  HTTP 200 and no JSON
  truncated                half of the answer
  stale=5s                 answered well, and seen by find, search and report so much later
  bom                      answered well, behind a byte order mark
  timeout, error, bad-gateway and garbage have no effect; timeout-after has it all the same, and
  timeout-late=5s has one that is seen so much later; so with the others. truncated always has its effect.

Faults of webhooks
  lost  doubled  delayed=5s  reordered  forged

Control endpoints
";

const EXAMPLES: &str = "
Examples
  athm-simulator --webhook-url http://127.0.0.1:8080/athm/webhook
  athm-simulator --port 0 --speed 60 --seed 7 --faults 100 --webhook-fault lost:200
  ATHM_API_URL=http://127.0.0.1:9000 cargo run --example shop
";

/// The faults, the control endpoints as the library lists them, and examples.
pub(crate) fn after() -> String {
    let mut text = String::from(FAULTS);
    for endpoint in ControlEndpoint::ALL {
        let (method, path, example) = (endpoint.method(), endpoint.path(), endpoint.example());
        let request = format!("{method:4} {path} {example}");
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {}\n         {}", request.trim_end(), endpoint.summary());
    }
    text + EXAMPLES
}
