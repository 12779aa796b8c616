//! A message as a handler's argument.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use actix_web::body::{BodyLimitExceeded, BodyStream, SizedStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::rt::time::timeout;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::arrived;
use crate::error::Error;

/// What a request says of a payment: an extractor for callbacks of your own.
///
/// It reads what [`athm_core::Message`] reads, and derefs to it. A request that can't be read never reaches the
/// handler: 400 names the field, 413 is too long and 408 too slow ([`CallbackConfig`]), 415 is neither a form nor JSON, or
/// compressed.
///
/// ```
/// use actix_web::{HttpResponse, web};
/// use athm_actix::{Athm, Callback, Error, Sender};
///
/// async fn my_callback(callback: Callback, athm: web::Data<Athm>) -> Result<HttpResponse, Error> {
///     let transaction = athm.verify(&callback).await?;
///     athm.dispatch(&transaction, Sender::new("my_callback")).await;
///     Ok(HttpResponse::Created().finish())
/// }
/// # let _ = web::post().to(my_callback);
/// ```
#[derive(Clone)]
pub struct Callback {
    message: athm_core::Message,
    body: Bytes,
}

impl Callback {
    /// The message.
    #[must_use]
    pub fn into_inner(self) -> athm_core::Message {
        self.message
    }

    /// The message, and the body of the request.
    pub(crate) fn into_parts(self) -> (athm_core::Message, Bytes) {
        (self.message, self.body)
    }

    /// The body of the request, as it came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Without the body: it may hold the customer's name, phone and e-mail address.
impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("message", &self.message).field("length", &self.body.len()).finish()
    }
}

impl Deref for Callback {
    type Target = athm_core::Message;

    fn deref(&self) -> &athm_core::Message {
        &self.message
    }
}

impl FromRequest for Callback {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let CallbackConfig { limit, read_timeout } = request.app_data().copied().unwrap_or_default();
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let content_type =
            request.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let encoding = request.headers().get(CONTENT_ENCODING);
        let encoding = encoding.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let reading = web::Payload::from_request(request, payload).into_inner();
        let request = request.clone();
        async move {
            if let Some(found) = encoding.filter(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
                return Err(Error::Encoding { found });
            }
            let payload = reading.map_err(|_| Error::Unreadable)?;
            let body = timeout(read_timeout, read(payload, announced, limit)).await.map_err(|_| Error::TooSlow)?;
            let body = body.map_err(|_| Error::TooLarge { limit })?;
            let body = body.map_err(|_| Error::Unreadable)?;
            request.extensions_mut().insert(arrived::Body(body.clone()));
            let message = athm_core::Message::parse(content_type.as_deref().unwrap_or_default(), &body)?;
            Ok(Self { message, body })
        }
        .boxed_local()
    }
}

/// Reads a body. A shorter one than 32 KiB gets a buffer of the announced length: actix allocates 32 KiB where it knows none.
async fn read(
    payload: web::Payload,
    announced: Option<u64>,
    limit: usize,
) -> Result<Result<Bytes, PayloadError>, BodyLimitExceeded> {
    match announced {
        Some(length) => to_bytes_limited(SizedStream::new(length, payload), limit).await,
        None => to_bytes_limited(BodyStream::new(payload), limit).await,
    }
}

/// How much a [`Callback`] reads, and for how long, where a callback of your own is mounted outside of a
/// [`Scope`](crate::Scope): pass it to `App::app_data`. Inside a `Scope` it has no effect: use
/// [`Scope::limit`](crate::Scope::limit) and [`Scope::read_timeout`](crate::Scope::read_timeout) there.
///
/// ```
/// use actix_web::App;
/// use athm_actix::CallbackConfig;
///
/// let app = App::new().app_data(CallbackConfig::default().limit(64 * 1024));
/// # let _ = app;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a configuration does nothing until it is given to the app"]
pub struct CallbackConfig {
    limit: usize,
    read_timeout: Duration,
}

impl CallbackConfig {
    /// The longest body that is read, in bytes (1,048,576 unless given).
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// How long a body may take to arrive (30 s unless given): a slow sender holds no connection longer.
    pub fn read_timeout(mut self, time: Duration) -> Self {
        self.read_timeout = time;
        self
    }
}

impl Default for CallbackConfig {
    fn default() -> Self {
        Self { limit: 1024 * 1024, read_timeout: Duration::from_secs(30) }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn debug_shows_nothing_of_the_customer() {
        let body =
            r#"{"ecommerceId":"1f2a6c0e-8d4b-11ef-9c3a-0242ac120002","name":"Ana Díaz","email":"ana@example.com"}"#;
        let request = TestRequest::post().insert_header((CONTENT_TYPE, "application/json")).set_payload(body);
        let (request, mut payload) = request.to_http_parts();
        let callback = Callback::from_request(&request, &mut payload).await.unwrap();
        let shown = format!("{callback:?}");
        assert!(shown.contains("1f2a6c0e") && !shown.contains("Ana") && !shown.contains("example.com"), "{shown}");
    }
}
