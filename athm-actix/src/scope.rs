//! The service to mount.

use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::{AppService, HttpServiceFactory, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::from_fn;
use actix_web::{Handler, Resource, Responder, Route, guard, web};
use athm_core::{Athm, WebhookSecret};

use crate::arrived;
use crate::callback::CallbackConfig;
#[cfg(feature = "checkout")]
use crate::checkout::{self, CheckoutOptions};
use crate::handlers;

/// How long a browser may go by the answer to a preflight, in seconds.
const PREFLIGHT_SECONDS: usize = 3600;

/// The routes that ATH Móvil's messages come in on, under one path.
///
/// | route | what |
/// |---|---|
/// | POST `callback` | the customer's browser posts the result of the checkout |
/// | POST `webhook`, or `webhook/{secret}` alone if there is a [secret](athm_core::AthmBuilder::webhook_secret) | the provider's server posts an event |
/// | GET `checkout/{id}`, and what its page needs | with the feature `checkout`: the page of a [checkout](crate::checkouts) |
/// | GET `health` | 200 when payments can be recorded, else 503 |
///
/// Each is there with a slash at its end, too.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use athm_actix::Athm;
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let athm = Athm::builder().env()?.start().await?;
/// HttpServer::new(move || App::new().service(athm_actix::scope("/athm", &athm)))
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await?;
/// # Ok(()) }
/// ```
pub fn scope(path: &str, athm: &Athm) -> Scope {
    Scope {
        path: path.to_owned(),
        athm: athm.clone(),
        config: CallbackConfig::default(),
        callback: None,
        origins: Vec::new(),
        #[cfg(feature = "checkout")]
        checkout: CheckoutOptions::default(),
    }
}

/// The routes of [`scope`], to be adapted and mounted.
///
/// ```
/// use std::time::Duration;
/// use athm_actix::{Athm, Scope};
///
/// fn service(athm: &Athm) -> Scope {
///     athm_actix::scope("/athm", athm).limit(64 * 1024).read_timeout(Duration::from_secs(10))
/// }
/// ```
#[must_use = "a scope serves nothing until `App::service`"]
pub struct Scope {
    path: String,
    athm: Athm,
    config: CallbackConfig,
    callback: Option<Route>,
    origins: Vec<String>,
    #[cfg(feature = "checkout")]
    checkout: CheckoutOptions,
}

impl Scope {
    /// Puts a handler of your own in the place of the default callback: what Django's `DJANGO_ATHM_CALLBACK_VIEW` does.
    ///
    /// It may ask for [`web::Data<Athm>`](Athm), which the scope provides.
    ///
    /// ```
    /// use actix_web::{App, HttpResponse, web};
    /// use athm_actix::{Athm, Callback, Error, Sender};
    ///
    /// async fn my_callback(callback: Callback, athm: web::Data<Athm>) -> Result<HttpResponse, Error> {
    ///     let transaction = athm.verify(&callback).await?;
    ///     athm.record(transaction, Sender::new("my_callback")).await?;
    ///     Ok(HttpResponse::Created().finish())
    /// }
    ///
    /// fn service(athm: &Athm) -> athm_actix::Scope {
    ///     athm_actix::scope("/athm", athm).callback(my_callback)
    /// }
    /// ```
    pub fn callback<F, Arguments>(mut self, handler: F) -> Self
    where
        F: Handler<Arguments>,
        Arguments: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.callback = Some(web::post().to(handler));
        self
    }

    /// Lets the scripts of checkout pages on another origin post to `callback` and read the answer: the browser asks before
    /// it does (CORS). None may unless given. An origin is scheme, host and port, as in `https://shop.example`; `*` is none.
    ///
    /// Whatever a page posts is a hint and no more: this protects the customer's browser, not the payment.
    ///
    /// ```
    /// # fn service(athm: &athm_actix::Athm) -> athm_actix::Scope {
    /// athm_actix::scope("/athm", athm).allow_origin("https://shop.example").allow_origin("https://www.shop.example")
    /// # }
    /// ```
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// How the page of [checkouts](crate::checkouts) looks, and what it may trust.
    ///
    /// ```
    /// use athm_actix::checkouts::CheckoutOptions;
    ///
    /// # fn service(athm: &athm_actix::Athm) -> athm_actix::Scope {
    /// athm_actix::scope("/athm", athm).checkout(CheckoutOptions::new().business("Colmado La Loma"))
    /// # }
    /// ```
    #[cfg(feature = "checkout")]
    pub fn checkout(mut self, options: CheckoutOptions) -> Self {
        self.checkout = options;
        self
    }

    /// The longest body that is read, in bytes (1,048,576 unless given); a longer one is answered 413.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.config = self.config.limit(bytes);
        self
    }

    /// How long a body may take to arrive (30 s unless given); a slower one is answered 408.
    pub fn read_timeout(mut self, time: Duration) -> Self {
        self.config = self.config.read_timeout(time);
        self
    }
}

impl HttpServiceFactory for Scope {
    fn register(self, service: &mut AppService) {
        let callback = self.callback.unwrap_or_else(|| web::post().to(handlers::callback));
        let callback = web::resource(["/callback", "/callback/"]).route(callback);
        let webhook = webhook(self.athm.webhook_secrets().to_vec());
        let athm = self.athm.clone();
        let note = move |request: ServiceRequest, next| arrived::note(athm.clone(), request, next);
        let scope = web::scope(&self.path).app_data(self.config).app_data(web::Data::new(self.athm));
        let scope = if self.origins.is_empty() {
            scope.service(callback)
        } else {
            scope.service(callback.wrap(cors(&self.origins)))
        };
        #[cfg(feature = "checkout")]
        let scope = scope.service(checkout::service(self.checkout, self.origins));
        scope
            .service(webhook.route(web::post().to(handlers::webhook)))
            .service(web::resource(["/health", "/health/"]).route(web::get().to(handlers::health)))
            .wrap(from_fn(note))
            .register(service);
    }
}

/// A page may post JSON, and needs no cookies for it.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default().allowed_methods([Method::POST]).allowed_header(CONTENT_TYPE).max_age(PREFLIGHT_SECONDS);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// With a secret, any other address is none of ours: it is answered as the program answers what it doesn't know, and no
/// body is read.
fn webhook(secrets: Vec<WebhookSecret>) -> Resource {
    if secrets.is_empty() {
        return web::resource(["/webhook", "/webhook/"]);
    }
    let is_secret = move |path: &str| {
        let path = path.strip_suffix('/').unwrap_or(path);
        path.rsplit('/').next().is_some_and(|segment| secrets.iter().any(|secret| secret.matches(segment)))
    };
    let resource = web::resource(["/webhook/{secret}", "/webhook/{secret}/"]);
    resource.guard(guard::fn_guard(move |request| is_secret(request.head().uri.path())))
}
