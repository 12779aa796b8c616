//! Injects faults into requests of the provider's API.

use std::io;
use std::time::Duration;

use actix_web::body::{self, BoxBody, MessageBody, SizedStream};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::middleware::Next;
use actix_web::rt::time::sleep;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse};
use futures_util::stream::{self, StreamExt};

use super::odd_answer::odd_body;
use crate::error::SimulatorError;
use crate::faults::{Fault, Outage};
use crate::json;
use crate::refusal::Refusal;
use crate::request::RequestNumber;
use crate::shared::Shared;

/// A request names the fault to inject in this header.
const HEADER: &str = "simulator-fault";
/// After this time the connection of a caller without a timeout of its own is closed.
const MAX_WAIT: Duration = Duration::from_secs(60);
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Wraps every endpoint of the provider's API: an outage or a fault decides what the caller receives.
pub(crate) async fn inject_faults(
    shared: Data<Shared>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let requested = match requested_fault(&request) {
        Ok(fault) => fault,
        Err(error) => return Ok(request.into_response(json::error(StatusCode::BAD_REQUEST, &error.to_string()))),
    };
    let fault = {
        let mut schedule = shared.schedule();
        if let Some(outage) = schedule.outage {
            return Ok(request.into_response(outage.answer()));
        }
        requested.or_else(|| schedule.next(request.path()))
    };
    let Some(fault) = fault else {
        let answered = next.call(request).await?.map_into_boxed_body();
        log_refusal(&shared, &answered);
        return Ok(answered);
    };
    log_fault(&shared, &request, &fault);
    request.extensions_mut().insert(fault.clone());
    let answered = next.call(request).await?.map_into_boxed_body();
    log_refusal(&shared, &answered);
    let (request, answer) = answered.into_parts();
    Ok(ServiceResponse::new(request, apply(fault, answer).await))
}

fn requested_fault(request: &ServiceRequest) -> Result<Option<Fault>, SimulatorError> {
    let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
    value.to_str().unwrap_or_default().parse().map(Some)
}

fn log_fault(shared: &Shared, request: &ServiceRequest, fault: &Fault) {
    let number = request.extensions().get::<RequestNumber>().copied();
    if let Some(RequestNumber(number)) = number
        && let Some(request) = shared.log().request_mut(number)
    {
        request.fault = Some(fault.clone());
    }
}

fn log_refusal(shared: &Shared, answered: &ServiceResponse<BoxBody>) {
    let number = answered.request().extensions().get::<RequestNumber>().copied();
    let refusal = answered.response().error().and_then(Error::as_error::<Refusal>);
    if let (Some(RequestNumber(number)), Some(refusal)) = (number, refusal)
        && let Some(request) = shared.log().request_mut(number)
    {
        request.refused_with = Some(refusal.code().to_owned());
    }
}

async fn apply(fault: Fault, answer: HttpResponse) -> HttpResponse {
    match fault {
        Fault::Reject { code } => Refusal::with_code(code).answer(),
        Fault::RejectAfter { code } => Refusal::despite_effect(code).answer(),
        Fault::Unauthorized => Outage::Unauthorized.answer(),
        Fault::Forbidden => Outage::Forbidden.answer(),
        Fault::FirewallPage => Outage::FirewallPage.answer(),
        Fault::Slow(time) => {
            sleep(time).await;
            answer
        }
        Fault::Timeout(_) => {
            sleep(MAX_WAIT).await;
            cut_off(Bytes::new(), 1)
        }
        Fault::InternalError(_) => Outage::InternalError.answer(),
        Fault::BadGateway(_) => Outage::BadGatewayPage.answer(),
        Fault::Garbage(_) => HttpResponse::Ok().content_type(ContentType::json()).body("\u{1f}\u{8b}no JSON"),
        Fault::Truncated(_) => {
            let body = bytes(answer).await;
            cut_off(body.slice(..body.len() / 2), body.len())
        }
        Fault::ByteOrderMark => {
            let status = answer.status();
            with_body(status, [BYTE_ORDER_MARK, &bytes(answer).await].concat())
        }
        Fault::Odd(oddity) => {
            let status = answer.status();
            with_body(status, odd_body(oddity, &bytes(answer).await))
        }
        // The endpoint or the ledger has applied these.
        Fault::Stale(_) | Fault::StaleIn(..) | Fault::StaleRefundedAmount | Fault::Total(_) => answer,
    }
}

fn with_body(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status).content_type(ContentType::json()).body(body)
}

async fn bytes(answer: HttpResponse) -> Bytes {
    body::to_bytes(answer.into_body()).await.unwrap_or_default()
}

/// An answer that announces `promised` bytes and closes the connection after `part`.
fn cut_off(part: Bytes, promised: usize) -> HttpResponse {
    let end = stream::once(async {
        // The part must have been written before the connection is aborted.
        sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let stream = stream::iter([Ok(part)]).chain(end).boxed_local();
    HttpResponse::Ok().content_type(ContentType::json()).body(SizedStream::new(promised as u64, stream))
}
