//! The command line.

use std::str::FromStr;
use std::time::Duration;

use athm_simulator::{
    Fault, FaultRates, PaymentChannel, RefundReference, Simulator, SimulatorBuilder, View, WebhookFault,
    WebhookFaultRates, WebhookShape,
};
use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::SignedDuration;

use crate::help;

/// A stand-in for ATH Móvil's servers: answers the provider's API on this machine, moves no real money, and fails on
/// request.
#[derive(Debug, Parser)]
#[command(name = "athm-simulator", version, after_help = help::after())]
pub(crate) struct Options {
    /// The port on 127.0.0.1; 0 for any free one.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// How many seconds of the provider's time pass in one second; 0 stops its clock.
    #[arg(long, default_value_t = 1)]
    speed: u32,
    /// Makes chance, references, ids and tokens the same every time.
    #[arg(long)]
    seed: Option<u64>,

    /// Sends webhooks to that address of this machine.
    #[arg(long, value_name = "URL", help_heading = "Webhooks and refunds")]
    pub(crate) webhook_url: Option<String>,
    /// The shape of webhooks.
    #[arg(long, default_value = "v4", value_parser = shapes(), help_heading = "Webhooks and refunds")]
    shape: WebhookShape,
    /// How customers pay; with web, webhooks report cancelled and expired payments, too.
    #[arg(long, default_value = "app", value_parser = channels(), help_heading = "Webhooks and refunds")]
    channel: PaymentChannel,
    /// Which reference number a refund carries: its own, or its payment's.
    #[arg(long, default_value = "own", value_parser = references(), help_heading = "Webhooks and refunds")]
    refund_reference: RefundReference,

    /// How many of a thousand requests fail, every fault alike.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Random faults")]
    faults: u16,
    /// How many of a thousand requests fail in that way; may be repeated.
    #[arg(long, value_name = "FAULT:N", value_parser = rate::<Fault>, help_heading = "Random faults")]
    fault: Vec<(Fault, u16)>,
    /// How many of a thousand webhooks fail, every fault alike.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Random faults")]
    webhook_faults: u16,
    /// How many of a thousand webhooks fail in that way; may be repeated.
    #[arg(long, value_name = "FAULT:N", value_parser = rate::<WebhookFault>, help_heading = "Random faults")]
    webhook_fault: Vec<(WebhookFault, u16)>,

    /// How long find shows the state before a change, such as 5s.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Lag")]
    find_lag: Option<Duration>,
    /// How long search and report show the state before a change.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Lag")]
    search_lag: Option<Duration>,

    /// The name of the business that is paid, as the phone shows it.
    #[arg(long, value_name = "NAME", help_heading = "The business")]
    business: Option<String>,
    /// Its businessCustomerId.
    #[arg(long, value_name = "ID", help_heading = "The business")]
    business_id: Option<String>,
    /// The only public token to accept; any, unless given.
    #[arg(long, value_name = "TOKEN", help_heading = "The business")]
    public_token: Option<String>,
    /// The only private token to accept; any, unless given.
    #[arg(long, value_name = "TOKEN", help_heading = "The business")]
    private_token: Option<String>,
}

impl Options {
    pub(crate) fn builder(self) -> SimulatorBuilder {
        let mut faults = FaultRates::all(self.faults);
        for (fault, rate) in self.fault {
            faults = faults.with(fault, rate);
        }
        let mut webhook_faults = WebhookFaultRates::all(self.webhook_faults);
        for (fault, rate) in self.webhook_fault {
            webhook_faults = webhook_faults.with(fault, rate);
        }
        let mut builder = Simulator::builder()
            .port(self.port)
            .clock_speed(self.speed)
            .webhook_shape(self.shape)
            .payment_channel(self.channel)
            .refund_reference(self.refund_reference)
            .faults(faults)
            .webhook_faults(webhook_faults);
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        for (view, lag) in [(View::Find, self.find_lag), (View::Search, self.search_lag)] {
            if let Some(lag) = lag {
                builder = builder.lag(view, lag);
            }
        }
        for (value, set) in [
            (self.webhook_url, SimulatorBuilder::webhook_url as fn(SimulatorBuilder, String) -> SimulatorBuilder),
            (self.business, SimulatorBuilder::business_name),
            (self.business_id, SimulatorBuilder::business_id),
            (self.public_token, SimulatorBuilder::public_token),
            (self.private_token, SimulatorBuilder::private_token),
        ] {
            if let Some(value) = value {
                builder = set(builder, value);
            }
        }
        builder
    }
}

fn shapes() -> impl TypedValueParser<Value = WebhookShape> {
    PossibleValuesParser::new(["v4", "v2020", "mixed"]).map(|word| match word.as_str() {
        "v2020" => WebhookShape::V2020,
        "mixed" => WebhookShape::Mixed,
        _ => WebhookShape::V4,
    })
}

fn channels() -> impl TypedValueParser<Value = PaymentChannel> {
    PossibleValuesParser::new(["app", "web"])
        .map(|word| if word == "web" { PaymentChannel::Web } else { PaymentChannel::App })
}

fn references() -> impl TypedValueParser<Value = RefundReference> {
    PossibleValuesParser::new(["own", "payment"])
        .map(|word| if word == "payment" { RefundReference::Payment } else { RefundReference::Own })
}

/// `5s`, `500ms`.
fn time(text: &str) -> Result<Duration, String> {
    let time = text.parse::<SignedDuration>().ok().and_then(|time| time.try_into().ok());
    time.ok_or_else(|| format!("expected a time such as 5s, found {text:?}"))
}

/// `timeout-after:20`.
fn rate<F>(text: &str) -> Result<(F, u16), String>
where
    F: FromStr,
    F::Err: ToString,
{
    let expected = || format!("expected a fault and how often it happens in a thousand, as in lost:20: found {text:?}");
    let (fault, rate) = text.rsplit_once(':').ok_or_else(expected)?;
    let rate = rate.parse().map_err(|_| expected())?;
    Ok((fault.parse().map_err(|error: F::Err| error.to_string())?, rate))
}

#[cfg(test)]
mod tests {
    use athm_simulator::{ControlEndpoint, Effect};
    use clap::{CommandFactory, Error};

    use super::*;

    fn parse(line: &str) -> Result<Options, Error> {
        Options::try_parse_from(std::iter::once("athm-simulator").chain(line.split_whitespace()))
    }

    #[test]
    fn every_option_is_read() {
        let options = parse(
            "--port 0 --speed=60 --seed 7 --webhook-url http://127.0.0.1:1/ --shape mixed --channel web \
             --refund-reference payment --fault timeout-late=5s:20 --fault bom:1 --webhook-fault lost:300 \
             --business Aurora --search-lag 30s",
        )
        .unwrap();
        assert_eq!((options.port, options.speed, options.seed), (0, 60, Some(7)));
        assert_eq!((options.shape, options.channel), (WebhookShape::Mixed, PaymentChannel::Web));
        assert_eq!(options.refund_reference, RefundReference::Payment);
        let late = Fault::Timeout(Effect::Late(Duration::from_secs(5)));
        assert_eq!(options.fault, [(late, 20), (Fault::ByteOrderMark, 1)]);
        assert_eq!(options.webhook_fault, [(WebhookFault::Lost, 300)]);
        assert_eq!((options.find_lag, options.search_lag), (None, Some(Duration::from_secs(30))));
    }

    #[test]
    fn an_unreadable_argument_is_named() {
        for (line, named) in [
            ("--prot 1", "--prot"),
            ("9000", "9000"),
            ("--port", "--port"),
            ("--port many", "many"),
            ("--shape v5", "v4, v2020, mixed"),
            ("--fault timeout", "in a thousand"),
            ("--fault oops:3", "oops"),
            ("--webhook-fault lost:x", "lost:x"),
            ("--find-lag soon", "such as 5s"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }

    #[test]
    fn help_lists_every_control_endpoint() {
        let help = Options::command().render_help().to_string();
        for endpoint in ControlEndpoint::ALL {
            assert!(help.contains(endpoint.path()) && help.contains(endpoint.summary()), "{endpoint:?} in {help}");
        }
    }

    #[actix_web::test]
    async fn a_simulator_starts_with_the_given_options() {
        let options = parse("--port 0 --seed 7 --business Aurora --public-token ours").unwrap();
        let simulator = options.builder().start().await.unwrap();
        assert!(simulator.url().starts_with("http://127.0.0.1:"));
        let refused = parse("--port 0 --webhook-url https://shop.example/").unwrap().builder().start().await;
        assert!(refused.unwrap_err().to_string().contains("this machine"));
    }
}
