//! What the command line says.

use std::str::FromStr;

use athm_actix::simulator::{
    Customers, Fault, FaultRates, RefundReference, Simulator, SimulatorBuilder, WebhookFault, WebhookFaultRates,
    WebhookShape,
};
use lexopt::{Arg, Parser, ValueExt};

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Asked {
    Run(Box<Options>),
    Help,
    Version,
}

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) webhook_url: Option<String>,
    port: Option<u16>,
    speed: Option<u32>,
    seed: Option<u64>,
    shape: WebhookShape,
    customers: Customers,
    refund_reference: RefundReference,
    faults: FaultRates,
    webhook_faults: WebhookFaultRates,
    business: Option<String>,
    business_id: Option<String>,
    public_token: Option<String>,
    private_token: Option<String>,
}

/// Unlikely to be taken, and easy to remember.
const PORT: u16 = 9000;

impl Options {
    pub(crate) fn parse(mut parser: Parser) -> Result<Asked, lexopt::Error> {
        let mut options = Self::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(Asked::Help),
                Arg::Short('V') | Arg::Long("version") => return Ok(Asked::Version),
                Arg::Long(name) => {
                    let name = name.to_owned();
                    options.set(&name, &mut parser)?;
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(Asked::Run(Box::new(options)))
    }

    fn set(&mut self, name: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
        match name {
            "port" => self.port = Some(parser.value()?.parse()?),
            "speed" => self.speed = Some(parser.value()?.parse()?),
            "seed" => self.seed = Some(parser.value()?.parse()?),
            "webhook-url" => self.webhook_url = Some(parser.value()?.string()?),
            "shape" => {
                let words =
                    [("v4", WebhookShape::V4), ("v2020", WebhookShape::V2020), ("either", WebhookShape::Either)];
                self.shape = choice(parser, words)?;
            }
            "customers" => {
                self.customers = choice(parser, [("app", Customers::InTheApp), ("web", Customers::OnTheWeb)])?
            }
            "refund-reference" => {
                let words = [("own", RefundReference::OfItsOwn), ("payment", RefundReference::OfThePayment)];
                self.refund_reference = choice(parser, words)?;
            }
            "faults" => self.faults = FaultRates::all(parser.value()?.parse()?),
            "fault" => {
                let (fault, rate) = parser.value()?.parse_with(rate::<Fault>)?;
                self.faults = std::mem::take(&mut self.faults).with(fault, rate);
            }
            "webhook-faults" => self.webhook_faults = WebhookFaultRates::all(parser.value()?.parse()?),
            "webhook-fault" => {
                let (fault, rate) = parser.value()?.parse_with(rate::<WebhookFault>)?;
                self.webhook_faults = std::mem::take(&mut self.webhook_faults).with(fault, rate);
            }
            "business" => self.business = Some(parser.value()?.string()?),
            "business-id" => self.business_id = Some(parser.value()?.string()?),
            "public-token" => self.public_token = Some(parser.value()?.string()?),
            "private-token" => self.private_token = Some(parser.value()?.string()?),
            _ => return Err(format!("there is no --{name}; --help lists what there is").into()),
        }
        Ok(())
    }

    pub(crate) fn builder(&self) -> SimulatorBuilder {
        let mut builder = Simulator::builder()
            .port(self.port.unwrap_or(PORT))
            .clock_speed(self.speed.unwrap_or(1))
            .webhook_shape(self.shape)
            .customers(self.customers)
            .refund_reference(self.refund_reference)
            .faults(self.faults.clone())
            .webhook_faults(self.webhook_faults.clone());
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        for (value, set) in [
            (&self.webhook_url, SimulatorBuilder::webhook_url as fn(SimulatorBuilder, String) -> SimulatorBuilder),
            (&self.business, SimulatorBuilder::business_name),
            (&self.business_id, SimulatorBuilder::business_id),
            (&self.public_token, SimulatorBuilder::public_token),
            (&self.private_token, SimulatorBuilder::private_token),
        ] {
            if let Some(value) = value {
                builder = set(builder, value.clone());
            }
        }
        builder
    }
}

fn choice<T, const N: usize>(parser: &mut Parser, choices: [(&str, T); N]) -> Result<T, lexopt::Error> {
    let word = parser.value()?.string()?;
    let words = choices.each_ref().map(|(word, _)| *word).join(" or ");
    let chosen = choices.into_iter().find(|(choice, _)| *choice == word);
    chosen.map(|(_, value)| value).ok_or_else(|| format!("expected {words}, found {word:?}").into())
}

/// `timeout-after:20`.
fn rate<F>(text: &str) -> Result<(F, u16), String>
where
    F: FromStr,
    F::Err: ToString,
{
    let wrong = || format!("expected a fault and how often it happens in a thousand, as in lost:20: found {text:?}");
    let (fault, rate) = text.rsplit_once(':').ok_or_else(wrong)?;
    let rate = rate.parse().map_err(|_| wrong())?;
    Ok((fault.parse().map_err(|error: F::Err| error.to_string())?, rate))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use athm_actix::simulator::Effect;

    use super::*;
    use crate::help;

    fn parse(line: &str) -> Result<Asked, lexopt::Error> {
        Options::parse(Parser::from_args(line.split_whitespace()))
    }

    fn options(line: &str) -> Options {
        match parse(line).unwrap() {
            Asked::Run(options) => *options,
            asked => panic!("{asked:?}"),
        }
    }

    #[test]
    fn every_option_is_read() {
        let options = options(
            "--port 0 --speed=60 --seed 7 --webhook-url http://127.0.0.1:1/ --shape either --customers web \
             --refund-reference payment --fault timeout-late=5s:20 --fault bom:1 --webhook-fault lost:300 --business Aurora",
        );
        assert_eq!((options.port, options.speed, options.seed), (Some(0), Some(60), Some(7)));
        assert_eq!((options.shape, options.customers), (WebhookShape::Either, Customers::OnTheWeb));
        assert_eq!(options.refund_reference, RefundReference::OfThePayment);
        let late = Fault::Timeout(Effect::Late(Duration::from_secs(5)));
        assert_eq!(options.faults, FaultRates::none().with(late, 20).with(Fault::ByteOrderMark, 1));
        assert_eq!(options.webhook_faults, WebhookFaultRates::none().with(WebhookFault::Lost, 300));
        assert!(matches!(parse("--seed 7 -h").unwrap(), Asked::Help));
        assert!(matches!(parse("--version").unwrap(), Asked::Version));
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        for (line, said) in [
            ("--prot 1", "--prot"),
            ("9000", "9000"),
            ("--port", "port"),
            ("--port many", "many"),
            ("--shape v5", "v4 or v2020 or either"),
            ("--fault timeout", "in a thousand"),
            ("--fault oops:3", "oops"),
            ("--webhook-fault lost:x", "lost:x"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(said), "{line}: {error}");
        }
    }

    #[test]
    fn help_names_every_option() {
        for name in [
            "port",
            "speed",
            "seed",
            "webhook-url",
            "shape",
            "customers",
            "refund-reference",
            "faults",
            "fault",
            "webhook-faults",
            "webhook-fault",
            "business",
            "business-id",
            "public-token",
            "private-token",
        ] {
            assert!(help::TEXT.contains(&format!("  --{name} ")), "{name}");
        }
        assert!(help::TEXT.lines().all(|line| line.chars().count() <= 110));
    }

    #[actix_web::test]
    async fn it_runs_as_it_was_told() {
        let options = options("--port 0 --seed 7 --business Aurora --public-token ours");
        let simulator = options.builder().start().await.unwrap();
        assert!(simulator.url().starts_with("http://127.0.0.1:"));
        let refused = self::options("--port 0 --webhook-url https://shop.example/").builder().start().await;
        assert!(refused.unwrap_err().to_string().contains("this machine"));
    }
}
