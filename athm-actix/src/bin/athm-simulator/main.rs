//! A stand-in for ATH Móvil's servers, as a program: `athm-simulator --help`.

mod help;
mod options;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use actix_web::rt::signal;
use athm_actix::simulator::Simulator;

use crate::options::{Asked, Options};

#[actix_web::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("athm-simulator: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = match Options::parse(lexopt::Parser::from_env())? {
        Asked::Run(options) => options,
        Asked::Help => return say(help::TEXT),
        Asked::Version => return say(concat!("athm-simulator ", env!("CARGO_PKG_VERSION"), "\n")),
    };
    let simulator = options.builder().start().await?;
    say(&welcome(&simulator, &options))?;
    signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}

fn welcome(simulator: &Simulator, options: &Options) -> String {
    let url = simulator.url();
    let webhooks = options.webhook_url.as_deref().unwrap_or("nowhere, until a listener is subscribed");
    format!("\n  ATHM_API_URL={url}\n  the phone  {url}/\n  webhooks   {webhooks}\n\nCtrl-C stops it.\n")
}

/// Whoever reads may have enough and leave: that is no error.
fn say(text: &str) -> Result<(), Box<dyn Error>> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
