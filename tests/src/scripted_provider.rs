//! A provider whose answers a test scripts.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::Notify;

/// A request that the provider received.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The `Content-Type` and the `Content-Length` header.
    pub content: [Option<String>; 2],
    /// The body; null when there is none.
    pub body: Value,
}

/// How the provider answers a request.
#[derive(Debug, Clone)]
pub enum ProviderScript {
    /// JSON with that HTTP status.
    Json(u16, Value),
    /// Any bytes with that HTTP status.
    Bytes(u16, Vec<u8>),
    /// The beginning of a body; then the connection is closed.
    CutOff(Vec<u8>),
    /// The beginning of a body; the rest never arrives.
    Stalled(Vec<u8>),
    /// No answer; the connection stays open.
    Silence,
    /// The inner answer, after the notification.
    OnNotify(Arc<Notify>, Box<ProviderScript>),
}

impl ProviderScript {
    /// `{"status":"success","data":…}`.
    #[must_use]
    pub fn success(data: Value) -> Self {
        Self::Json(200, serde_json::json!({ "status": "success", "data": data }))
    }

    /// The provider's envelope for errors.
    #[must_use]
    pub fn refusal(code: &str) -> Self {
        Self::Json(400, serde_json::json!({ "status": "error", "message": "no", "errorcode": code, "data": null }))
    }
}

type Script = dyn Fn(&RecordedRequest) -> ProviderScript + Send + Sync;

/// A server on loopback that answers as a test scripts it, and records the requests.
#[derive(Clone)]
pub struct ScriptedProvider {
    url: String,
    requests: Arc<Mutex<Vec<RecordedRequest>>>,
}

impl ScriptedProvider {
    /// Starts one.
    pub fn start(script: impl Fn(&RecordedRequest) -> ProviderScript + Send + Sync + 'static) -> Self {
        let requests = Arc::default();
        let state = web::Data::new(State { script: Box::new(script), requests: Arc::clone(&requests) });
        let (sender, started) = mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server =
                    HttpServer::new(move || App::new().app_data(state.clone()).default_service(web::to(handle)));
                let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a free port");
                sender.send(server.addrs()[0]).expect("the test waits");
                server.run().await.expect("it serves");
            });
        });
        Self { url: format!("http://{}", started.recv().expect("it starts")), requests }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests there were whose path ends with `path`.
    #[must_use]
    pub fn request_count(&self, path: &str) -> usize {
        self.requests().iter().filter(|request| request.path.ends_with(path)).count()
    }
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedProvider").field("url", &self.url).finish_non_exhaustive()
    }
}

struct State {
    script: Box<Script>,
    requests: Arc<Mutex<Vec<RecordedRequest>>>,
}

async fn handle(state: web::Data<State>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let recorded = RecordedRequest {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        authorization: header(AUTHORIZATION),
        user_agent: header(USER_AGENT).unwrap_or_default(),
        content: [header(CONTENT_TYPE), header(CONTENT_LENGTH)],
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    state.requests.lock().unwrap_or_else(PoisonError::into_inner).push(recorded.clone());
    let status = |status: u16| HttpResponse::build(StatusCode::from_u16(status).expect("an HTTP status"));
    let beginning = |bytes: Vec<u8>| stream::iter([Ok::<_, std::io::Error>(web::Bytes::from(bytes))]);
    let mut answer = (state.script)(&recorded);
    while let ProviderScript::OnNotify(notify, then) = answer {
        notify.notified().await;
        answer = *then;
    }
    match answer {
        ProviderScript::Json(code, body) => status(code).json(body),
        ProviderScript::Bytes(code, body) => status(code).body(body),
        ProviderScript::CutOff(mut bytes) => {
            // More than the server buffers before it sends.
            bytes.resize(512 * 1024, b' ');
            let rest = stream::iter([Err(std::io::Error::other("cut off"))]);
            status(200).body(SizedStream::new(1024 * 1024, beginning(bytes).chain(rest)))
        }
        ProviderScript::Stalled(bytes) => {
            status(200).body(SizedStream::new(10_000, beginning(bytes).chain(stream::pending())))
        }
        ProviderScript::Silence | ProviderScript::OnNotify(..) => std::future::pending().await,
    }
}
