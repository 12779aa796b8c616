//! Setting it up.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::runtime::Handle;

use super::alerts::OnAlert;
use super::background::{Retention, SweeperMode};
use super::{ConfigError, WebhookSecret};
use crate::dispatch::Dispatcher;
use crate::models::{PushLimits, Signal, Transaction};
use crate::provider::Client;
use crate::receiver::{Answer, Connected, Context, Receive, ReceiverOptions, Rejection, States};
use crate::store::{Alert, Batching, Check, PollSchedule, SignalScope};
use crate::util::clock::Clock;

/// Sets up an [`Athm`](crate::Athm): where its database is, who its provider is, what its receivers share.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use athm_core::{Athm, Rejection};
///
/// let athm = Athm::builder()
///     .tokens("public token", "private token")
///     .database_url("sqlite://shop.db")
///     .state(String::from("what receivers share"))
///     .check(|transaction| {
///         if transaction.metadata_1().is_empty() { Err(Rejection::new("no order")) } else { Ok(()) }
///     })
///     .start()
///     .await?;
/// # athm.shutdown(std::time::Duration::ZERO).await;
/// # Ok(()) }
/// ```
#[derive(Default)]
#[must_use = "a builder does nothing until `start`"]
pub struct AthmBuilder {
    pub(super) client: Option<Client>,
    pub(super) tokens: Option<(SecretString, SecretString)>,
    pub(super) business_id: Option<String>,
    pub(super) api_url: Option<String>,
    pub(super) database_url: Option<String>,
    pub(super) trusts_callbacks: bool,
    pub(super) dispatcher: Option<Dispatcher>,
    pub(super) states: States,
    pub(super) checks: Vec<Check>,
    pub(super) connected: Vec<Connected>,
    pub(super) expected: Vec<String>,
    pub(super) on_alert: Option<OnAlert>,
    pub(crate) clock: Clock,
    pub(crate) batching: Batching,
    pub(super) concurrency: Option<usize>,
    pub(super) retention: Retention,
    pub(super) orphaned_after: Option<Duration>,
    pub(crate) seed: Option<u64>,
    pub(super) unknown_payment_limit: Option<(u32, u32)>,
    pub(super) polls: PollSchedule,
    pub(super) scope: SignalScope,
    pub(super) sweeper_mode: SweeperMode,
    pub(super) webhook_secrets: Vec<WebhookSecret>,
    pub(super) skips_credential_check: bool,
    pub(super) runtime: Option<Handle>,
    pub(super) push_limits: PushLimits,
}

impl AthmBuilder {
    /// Reads the environment; what isn't set stays as it is.
    ///
    /// | variable | what |
    /// |---|---|
    /// | `ATHM_PUBLIC_TOKEN`, `ATHM_PRIVATE_TOKEN` | the business's tokens, from the ATH Business app: both or none |
    /// | `ATHM_BUSINESS_ID` | the `businessCustomerId` that the provider's answers must carry |
    /// | `ATHM_DATABASE_URL` | the database: `sqlite://athm.db` unless set |
    /// | `ATHM_WEBHOOK_SECRET` | the last part of the webhook's address, see [`webhook_secret`](Self::webhook_secret); two, separated by a comma, while one replaces the other |
    /// | `ATHM_API_URL` | replaces scheme, host and port of the provider's hosts: a simulator |
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a variable isn't Unicode, one token is set without the other, or a secret can't be one.
    pub fn env(mut self) -> Result<Self, ConfigError> {
        match (variable("ATHM_PUBLIC_TOKEN")?, variable("ATHM_PRIVATE_TOKEN")?) {
            (Some(public), Some(private)) => self = self.tokens(public, private),
            (None, None) => {}
            (Some(_), None) => return Err(ConfigError::HalfOfTokens { missing: "ATHM_PRIVATE_TOKEN" }),
            (None, Some(_)) => return Err(ConfigError::HalfOfTokens { missing: "ATHM_PUBLIC_TOKEN" }),
        }
        self.business_id = variable("ATHM_BUSINESS_ID")?.or(self.business_id);
        self.database_url = variable("ATHM_DATABASE_URL")?.or(self.database_url);
        self.api_url = variable("ATHM_API_URL")?.or(self.api_url);
        if let Some(secret) = variable("ATHM_WEBHOOK_SECRET")? {
            self.webhook_secrets = secret.split(',').map(|secret| secret.trim().parse()).collect::<Result<_, _>>()?;
        }
        Ok(self)
    }

    /// The business's two tokens, from the ATH Business app.
    pub fn tokens(mut self, public: impl Into<SecretString>, private: impl Into<SecretString>) -> Self {
        self.tokens = Some((public.into(), private.into()));
        self
    }

    /// The `businessCustomerId` that the provider's answers must carry (searches, only where they name one). Unset, it is
    /// not checked.
    pub fn business_id(mut self, id: impl Into<String>) -> Self {
        self.business_id = Some(id.into());
        self
    }

    /// Replaces scheme, host and port of both of the provider's hosts: a simulator's address.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_url = Some(url.into());
        self
    }

    /// Has webhooks come to `/athm/webhook/{secret}` alone; any other address of a webhook is answered 404. What comes
    /// there is verified all the same, and waits behind no flood of invented ids. Without it, the webhook's address is
    /// `/athm/webhook`.
    ///
    /// Call it twice to accept two secrets while one replaces the other.
    ///
    /// ```no_run
    /// # use athm_core::Athm;
    /// let builder = Athm::builder().webhook_secret("k3J9-vQ2m_T7xW4z".parse()?);
    /// # Ok::<(), athm_core::errors::WebhookSecretError>(())
    /// ```
    pub fn webhook_secret(mut self, secret: WebhookSecret) -> Self {
        self.webhook_secrets.push(secret);
        self
    }

    /// The client of the provider's API, in place of one made from tokens, business id and address: for timeouts of your
    /// own, say.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), athm_core::provider::BuildError> {
    /// use std::time::Duration;
    /// use athm_core::{Athm, provider::Client};
    ///
    /// let client = Client::builder("public token", "private token").timeout(Duration::from_secs(5)).build()?;
    /// let builder = Athm::builder().client(client);
    /// # Ok(()) }
    /// ```
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Where payments are kept: `sqlite://` and a file's path, on Windows also `sqlite:///C:/data/athm.db`;
    /// `sqlite://athm.db` unless given. With the feature `postgres`, the address of a PostgreSQL that several processes
    /// may share.
    pub fn database_url(mut self, url: impl Into<String>) -> Self {
        self.database_url = Some(url.into());
        self
    }

    /// Reports each problem that takes a person, at least once: a dead delivery, a mismatch, a refused check, a damaged row,
    /// a refund without a known outcome for a day, and what else [`ProblemKind`](crate::problems::ProblemKind) lists. Without
    /// it each is an ERROR line in the log.
    ///
    /// The closure returns what a receiver may, or a future of it, and runs on the receivers' runtime. What it failed to
    /// report, because the mail server was down, say, is reported again: after a minute first, every hour in the end, also by
    /// the next process. Of several processes on one database, one reports. A delivery that is dead again after a replay is
    /// reported again. Problems are searched every five seconds.
    ///
    /// ```no_run
    /// # use athm_core::{Athm, BoxError};
    /// # async fn send_mail(_: String) -> Result<(), BoxError> { Ok(()) }
    /// let builder = Athm::builder().on_alert(|alert| async move { send_mail(alert.to_string()).await });
    /// ```
    pub fn on_alert<F, R, Time>(mut self, report: F) -> Self
    where
        F: Fn(Alert) -> R + Send + Sync + 'static,
        R: Answer<Time>,
    {
        self.on_alert = Some(Arc::new(move |alert| report(alert).answered()));
        self
    }

    /// Believes every message, and asks the provider nothing: for tests, and for callbacks that another
    /// service has verified already. Any sender can then complete any payment.
    /// `start` refuses it together with tokens.
    pub fn trust_callbacks(mut self) -> Self {
        self.trusts_callbacks = true;
        self
    }

    /// A value that receivers ask for with `State<T>`. There is one of each type: a second one replaces the first.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.shared_state(Arc::new(state))
    }

    /// A value that receivers ask for with `State<T>`, shared with other owners or behind a trait: a test gives a fake for
    /// `State<dyn Mailer>`. See [`Dispatcher::shared_state`].
    pub fn shared_state<T: ?Sized + Send + Sync + 'static>(mut self, state: Arc<T>) -> Self {
        self.states.insert(state);
        self
    }

    /// The receivers to use, in place of all that were linked into the program: a test runs its own alone.
    pub fn dispatcher(mut self, dispatcher: Dispatcher) -> Self {
        self.dispatcher = Some(dispatcher);
        self
    }

    /// Connects a closure to signals, as [`Dispatcher::connect`] does. Its deliveries are durable, as those of
    /// `#[receiver]` functions are. `start` refuses an id that is taken.
    ///
    /// ```no_run
    /// # use athm_core::{Athm, Signal};
    /// let builder = Athm::builder().connect("print", [Signal::Completed], |context| {
    ///     println!("{} was paid", context.transaction().total());
    /// });
    /// ```
    pub fn connect<F, R, Time>(
        mut self,
        options: impl Into<ReceiverOptions>,
        signals: impl Into<Vec<Signal>>,
        closure: F,
    ) -> Self
    where
        F: for<'a> Fn(&'a Context<'a>) -> R + Send + Sync + 'static,
        R: Answer<Time>,
    {
        self.connected.push(Connected::closure(options.into(), signals.into(), closure));
        self
    }

    /// Connects an object that implements [`Receive`], or an async function, as [`connect`](Self::connect) does closures.
    pub fn connect_receiver(
        mut self,
        options: impl Into<ReceiverOptions>,
        signals: impl Into<Vec<Signal>>,
        receiver: impl Receive,
    ) -> Self {
        self.connected.push(Connected::object(options.into(), signals.into(), receiver));
        self
    }

    /// Refuses to start unless receivers with these ids are there.
    ///
    /// The linker silently leaves out a crate that the program doesn't name: [`link!`](crate::link) names it, and this checks
    /// that it worked.
    ///
    /// ```no_run
    /// # use athm_core::Athm;
    /// let builder = Athm::builder().expect_receivers(["shop::orders::fulfil", "shop::stock::release"]);
    /// ```
    pub fn expect_receivers<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        self.expected.extend(ids.into_iter().map(Into::into));
        self
    }

    /// A rule that holds for every source. It runs before the commit, within the database transaction: it must do no I/O,
    /// and may run more than once for one transition.
    ///
    /// A transition that it rejects is recorded, with the reason, and no receiver runs for it; the sender of the message
    /// gets `refused`. An approved payment that it rejects isn't authorized on athm's own schedule.
    /// [`Athm::problems`](crate::Athm::problems) lists what was rejected.
    pub fn check(mut self, check: impl Fn(&Transaction) -> Result<(), Rejection> + Send + Sync + 'static) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Fires signals only for payments that this program opened with [`Athm::create`](crate::Athm::create).
    ///
    /// The public token stands in every checkout page: any customer can open a payment with it, with any metadata and
    /// total, and cancel it. Without this switch such a payment fires signals, and receivers must distinguish it from
    /// theirs by [`Transaction::is_ours`] or by the payment's id. It is off by default, because the provider's own button
    /// opens payments in the browser.
    ///
    /// Other payments are recorded all the same, without events.
    ///
    /// ```no_run
    /// # use athm_core::Athm;
    /// let builder = Athm::builder().only_payments_opened_here();
    /// ```
    pub fn only_payments_opened_here(mut self) -> Self {
        self.scope = SignalScope::OpenedHere;
        self
    }

    /// How many deliveries run at once: 64 unless given, at least 1. What is more waits in the database.
    pub fn concurrency(mut self, deliveries: usize) -> Self {
        self.concurrency = Some(deliveries.max(1));
        self
    }

    /// Where receivers run, in place of two threads of athm's own: a runtime of yours, whose threads they share then with
    /// whatever else runs there. Leases, retries and the provider stay on a thread of athm's.
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// use athm_core::Athm;
    ///
    /// let athm = Athm::builder().env()?.runtime(tokio::runtime::Handle::current()).start().await?;
    /// # drop(athm); Ok(()) }
    /// ```
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Limits the lookups that new messages cause about payments that athm doesn't know: per second, and burst; 5 and 20
    /// unless given. Messages above the limit are stored and retried at the same rate, in a bucket of their own: a flood of
    /// invented ids costs the provider little, and delays no message that waits.
    pub fn unknown_payment_rate_limit(mut self, per_second: u32, burst: u32) -> Self {
        self.unknown_payment_limit = Some((per_second, burst));
        self
    }

    /// Authorizes what a customer has approved, as soon as the provider says so: for checkouts whose page doesn't do it, and
    /// for customers who close theirs. Money moves without a further call: leave it out where an order is still to be
    /// checked between approval and payment. It works for payments that [`create`](crate::Athm::create) opened here: the
    /// authorization token of one that a browser opened is unknown.
    pub fn authorize_confirmed(mut self) -> Self {
        self.polls = PollSchedule::AuthorizeConfirmed;
        self
    }

    /// How many times an hour a phone may be asked to approve payments of checkouts: 5 unless given. It protects a
    /// person whose number a stranger types again and again.
    ///
    /// ```no_run
    /// # use athm_core::Athm;
    /// let builder = Athm::builder().pushes_per_phone(3);
    /// ```
    pub fn pushes_per_phone(mut self, pushes: u32) -> Self {
        self.push_limits.per_phone = pushes;
        self
    }

    /// Neither polls open payments nor searches customers, nor authorizes what checkouts wait for: for tests that count
    /// lookups, and where another process on the same database does so.
    pub fn without_sweeper(mut self) -> Self {
        self.sweeper_mode = SweeperMode::Never;
        self
    }

    /// Leaves out the check of the tokens at the start: for tests that count requests, and for many processes that start
    /// at once. See [`Athm::check_credentials`](crate::Athm::check_credentials).
    pub fn without_credential_check(mut self) -> Self {
        self.skips_credential_check = true;
        self
    }

    /// How long deliveries that have ended are kept, and refunds that belong to no payment: 90 days unless given.
    /// Payments and their events are kept for good.
    pub fn keep_ended_for(mut self, time: Duration) -> Self {
        self.retention.ended = time;
        self
    }

    /// How long messages are kept as they came that were recorded or are pending: 30 days unless given. 0: none is stored.
    /// Customers' data is in them. See [`Athm::messages`](crate::Athm::messages).
    pub fn keep_recorded_messages_for(mut self, time: Duration) -> Self {
        self.retention.recorded_messages = time;
        self
    }

    /// How long messages are kept as they came that were refused, can't be read, or name no payment: 7 days unless given. 0:
    /// none is stored, and only the log tells of them. See [`Athm::messages`](crate::Athm::messages).
    pub fn keep_refused_messages_for(mut self, time: Duration) -> Self {
        self.retention.refused_messages = time;
        self
    }

    /// How long a delivery is due before it counts as orphaned: a day unless given.
    pub fn orphaned_after(mut self, time: Duration) -> Self {
        self.orphaned_after = Some(time);
        self
    }
}

fn variable(name: &'static str) -> Result<Option<String>, ConfigError> {
    match env::var(name) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(ConfigError::NotUnicode { variable: name }),
    }
}
