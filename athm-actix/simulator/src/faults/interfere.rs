//! Letting requests of the provider's API go wrong.

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

use super::{Fault, Outage};
use crate::call::Number;
use crate::endpoints::Refusal;
use crate::shared::Shared;
use crate::{SimulatorError, json};

/// By this header a request asks for the fault that it wants to meet.
const HEADER: &str = "simulator-fault";
/// How long a caller that never gives up is kept waiting.
const LONGEST: Duration = Duration::from_secs(60);
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Stands before every endpoint of the provider's.
pub(crate) async fn interfere(
    shared: Data<Shared>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let asked_for = match asked_for(&request) {
        Ok(fault) => fault,
        Err(error) => return Ok(request.into_response(json::error(StatusCode::BAD_REQUEST, &error.to_string()))),
    };
    let fault = {
        let mut plan = shared.plan();
        if let Some(outage) = plan.outage {
            return Ok(request.into_response(outage.answer()));
        }
        asked_for.or_else(|| plan.next(request.path()))
    };
    let Some(fault) = fault else {
        let answered = next.call(request).await?.map_into_boxed_body();
        note_refusal(&shared, &answered);
        return Ok(answered);
    };
    note(&shared, &request, &fault);
    request.extensions_mut().insert(fault.effect());
    let answered = next.call(request).await?.map_into_boxed_body();
    note_refusal(&shared, &answered);
    let (request, answer) = answered.into_parts();
    Ok(ServiceResponse::new(request, spoilt(fault, answer).await))
}

fn asked_for(request: &ServiceRequest) -> Result<Option<Fault>, SimulatorError> {
    let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
    value.to_str().unwrap_or_default().parse().map(Some)
}

fn note(shared: &Shared, request: &ServiceRequest, fault: &Fault) {
    let number = request.extensions().get::<Number>().copied();
    if let Some(Number(number)) = number
        && let Some(request) = shared.log().of(number)
    {
        request.fault = Some(fault.clone());
    }
}

fn note_refusal(shared: &Shared, answered: &ServiceResponse<BoxBody>) {
    let number = answered.request().extensions().get::<Number>().copied();
    let refusal = answered.response().error().and_then(Error::as_error::<Refusal>);
    if let (Some(Number(number)), Some(refusal)) = (number, refusal)
        && let Some(request) = shared.log().of(number)
    {
        request.refused_with = Some(refusal.code().to_owned());
    }
}

async fn spoilt(fault: Fault, answer: HttpResponse) -> HttpResponse {
    match fault {
        Fault::Reject { code } => Refusal::with_code(code).answer(),
        Fault::Slow(time) => {
            sleep(time).await;
            answer
        }
        Fault::Timeout(_) => {
            sleep(LONGEST).await;
            broken_off(Bytes::new(), 1)
        }
        Fault::InternalError(_) => Outage::InternalError.answer(),
        Fault::BadGateway(_) => Outage::BadGatewayPage.answer(),
        Fault::Garbage(_) => HttpResponse::Ok().content_type(ContentType::json()).body("\u{1f}\u{8b}no JSON"),
        Fault::Truncated(_) => {
            let body = bytes(answer).await;
            broken_off(body.slice(..body.len() / 2), body.len())
        }
        Fault::ByteOrderMark => {
            let mut builder = HttpResponse::build(answer.status());
            let body = [BYTE_ORDER_MARK, &bytes(answer).await].concat();
            builder.content_type(ContentType::json()).body(body)
        }
        Fault::Stale(_) => answer,
    }
}

async fn bytes(answer: HttpResponse) -> Bytes {
    body::to_bytes(answer.into_body()).await.unwrap_or_default()
}

/// An answer that promises so much, and ends in the middle, with the connection.
fn broken_off(part: Bytes, promised: usize) -> HttpResponse {
    let end = stream::once(async {
        // Until what came before is on its way.
        sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let stream = stream::iter([Ok(part)]).chain(end).boxed_local();
    HttpResponse::Ok().content_type(ContentType::json()).body(SizedStream::new(promised as u64, stream))
}
