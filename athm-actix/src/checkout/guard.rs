//! Who may post, and what every answer carries.

use actix_web::HttpRequest;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

use super::options::CheckoutOptions;

/// Nothing comes from another origin, and nothing is written into the page that a browser would run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every answer carries.
pub(super) const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    // `no-referrer` would make the origin of the page's own forms `null`.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Whether a page of another site has the customer's browser post. A request without `Origin` comes from no page, or from a
/// browser that sends none: there, the form's token decides.
pub(super) fn is_foreign(request: &HttpRequest, options: &CheckoutOptions, allowed: &[String]) -> bool {
    let (_, host) = options.origin(request);
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_other_site = site.is_some_and(|site| site == b"cross-site" || site == b"same-site");
    let origins = origins(request.headers());
    let is_own = |origin: &[u8]| {
        let authority = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
        let is_host = authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host.as_bytes()));
        is_host || allowed.iter().any(|allowed| allowed.as_bytes() == origin)
    };
    if origins.is_empty() { is_other_site } else { !origins.iter().all(|origin| is_own(origin)) }
}

fn origins(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(ORIGIN).map(HeaderValue::as_bytes).collect()
}
