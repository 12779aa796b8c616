//! What `--help` says after the options.

use std::fmt::{Arguments, Write};

use athm_simulator::{ControlEndpoint, Fault, WebhookFault};

const EXAMPLES: &str = "
Examples
  athm-simulator --webhook-url http://127.0.0.1:8080/athm/webhook
  athm-simulator --port 0 --speed 60 --seed 7 --faults 100 --webhook-fault lost:200
  ATHM_API_URL=http://127.0.0.1:9000 cargo run --example shop
";

/// The faults and the control endpoints as the library lists them, and examples.
pub(crate) fn after() -> String {
    let mut text = String::from("Faults of requests: the request …\n");
    for (fault, description) in Fault::EXAMPLES {
        line(&mut text, format_args!("{fault:25} {description}"));
    }
    text.push_str("\nFaults of webhooks: the webhook …\n");
    for (fault, description) in WebhookFault::EXAMPLES {
        line(&mut text, format_args!("{fault:25} {description}"));
    }
    text.push_str("\nControl endpoints\n");
    for endpoint in ControlEndpoint::ALL {
        line(&mut text, format_args!("{:4} {} {}", endpoint.method(), endpoint.path(), endpoint.example()));
        line(&mut text, format_args!("       {}", endpoint.summary()));
    }
    text + EXAMPLES
}

fn line(text: &mut String, line: Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = writeln!(text, "  {}", line.to_string().trim_end());
}
