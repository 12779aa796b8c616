//! A stand-in for ATH Móvil's servers, as a program: `athm-simulator --help`.

mod help;
mod options;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use actix_web::rt::signal;
use athm_simulator::Simulator;
use clap::Parser;

use crate::options::Options;

#[actix_web::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
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

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let webhooks = options.webhook_url.clone();
    let simulator = options.builder().start().await?;
    print(&welcome(&simulator, webhooks.as_deref()))?;
    signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}

fn welcome(simulator: &Simulator, webhooks: Option<&str>) -> String {
    let url = simulator.url();
    let webhooks = webhooks.unwrap_or("not sent until a listener is subscribed");
    format!("\n  ATHM_API_URL={url}\n  the phone  {url}/\n  webhooks   {webhooks}\n\nCtrl-C stops it.\n")
}

/// A reader that closes the pipe early is no error.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
