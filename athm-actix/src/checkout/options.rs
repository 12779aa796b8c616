//! How the checkout's pages are adapted to a business.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::dev::ConnectionInfo;

use super::events::Streams;

/// What the routes of checkouts share.
pub(super) struct Pages {
    pub(super) options: CheckoutOptions,
    /// Origins besides the page's own that may post.
    pub(super) origins: Vec<String>,
    pub(super) streams: Streams,
}

impl Pages {
    pub(super) fn new(options: CheckoutOptions, origins: Vec<String>) -> Self {
        Self { options, origins, streams: Streams::default() }
    }
}

/// How the checkout's pages look, and what they may trust: [`Scope::checkout`](crate::Scope::checkout).
///
/// ```
/// use athm_actix::{Athm, Scope};
/// use athm_actix::checkouts::CheckoutOptions;
///
/// fn service(athm: &Athm) -> Scope {
///     let options = CheckoutOptions::new().business("Colmado La Loma").stylesheet("/brand.css").behind_proxy();
///     athm_actix::scope("/athm", athm).checkout(options)
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "options do nothing until they are given to the scope"]
pub struct CheckoutOptions {
    pub(super) business: Option<String>,
    pub(super) stylesheet: Option<String>,
    pub(super) is_behind_proxy: bool,
}

impl CheckoutOptions {
    /// As they are unless changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name that stands above the page.
    pub fn business(mut self, name: impl Into<String>) -> Self {
        self.business = Some(name.into());
        self
    }

    /// The path of a style sheet of yours, on the same origin. It comes after athm's own, and sets the page's variables:
    /// `--athm-accent`, `--athm-on-accent`, `--athm-radius`, `--athm-font` and the others in the guide page
    /// "Taking a payment".
    pub fn stylesheet(mut self, path: impl Into<String>) -> Self {
        self.stylesheet = Some(path.into());
        self
    }

    /// Believes the headers `Forwarded` and `X-Forwarded-For`, `-Host` and `-Proto`. Only for a program that is reached
    /// through a proxy alone that sets them: any other client could write an address of its choice there.
    pub fn behind_proxy(mut self) -> Self {
        self.is_behind_proxy = true;
        self
    }

    /// Whom requests are counted against.
    pub(super) fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let forwarded = || request.connection_info().realip_remote_addr().and_then(|text| text.parse().ok());
        let peer = || request.peer_addr().map(|address| address.ip());
        if self.is_behind_proxy { forwarded().or_else(peer) } else { peer() }
    }

    /// The scheme and the host under which the customer's browser knows the page.
    pub(super) fn origin(&self, request: &HttpRequest) -> (String, String) {
        if self.is_behind_proxy {
            let info: &ConnectionInfo = &request.connection_info();
            return (info.scheme().to_owned(), info.host().to_owned());
        }
        let scheme = if request.app_config().secure() { "https" } else { "http" };
        let host = request.headers().get(actix_web::http::header::HOST).and_then(|host| host.to_str().ok());
        (scheme.to_owned(), host.unwrap_or_default().to_owned())
    }
}
