//! A provider that answers whatever a test says.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, USER_AGENT};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::Notify;

/// A request that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The method, such as `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// How the client named itself.
    pub user_agent: String,
    /// The body; null when there is none.
    pub body: Value,
}

/// What to answer.
#[derive(Debug, Clone)]
pub enum Script {
    /// JSON with that HTTP status.
    Json(u16, Value),
    /// Any bytes with that HTTP status.
    Bytes(u16, Vec<u8>),
    /// The beginning of a body, then the connection is cut.
    CutOff(Vec<u8>),
    /// The beginning of a body, and never the rest.
    Stalled(Vec<u8>),
    /// Nothing, ever.
    Silence,
    /// This, once the test lets it go.
    Held(Arc<Notify>, Box<Script>),
}

impl Script {
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

type Answer = dyn Fn(&Asked) -> Script + Send + Sync;

/// A server on loopback that answers by a test's script, and notes what it was asked.
#[derive(Clone)]
pub struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// Starts one.
    pub fn start(answer: impl Fn(&Asked) -> Script + Send + Sync + 'static) -> Self {
        let asked = Arc::default();
        let state = web::Data::new(State { answer: Box::new(answer), asked: Arc::clone(&asked) });
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
        Self { url: format!("http://{}", started.recv().expect("it starts")), asked }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it was asked at that path.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| asked.path.ends_with(path)).count()
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").field("url", &self.url).finish_non_exhaustive()
    }
}

struct State {
    answer: Box<Answer>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

async fn handle(state: web::Data<State>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        authorization: header(AUTHORIZATION),
        user_agent: header(USER_AGENT).unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    let status = |status: u16| HttpResponse::build(StatusCode::from_u16(status).expect("an HTTP status"));
    let beginning = |bytes: Vec<u8>| stream::iter([Ok::<_, std::io::Error>(web::Bytes::from(bytes))]);
    let mut script = (state.answer)(&asked);
    while let Script::Held(go, then) = script {
        go.notified().await;
        script = *then;
    }
    match script {
        Script::Json(code, body) => status(code).json(body),
        Script::Bytes(code, body) => status(code).body(body),
        Script::CutOff(mut bytes) => {
            // More than is kept back to be sent in one go.
            bytes.resize(512 * 1024, b' ');
            let rest = stream::iter([Err(std::io::Error::other("cut off"))]);
            status(200).body(SizedStream::new(1024 * 1024, beginning(bytes).chain(rest)))
        }
        Script::Stalled(bytes) => status(200).body(SizedStream::new(10_000, beginning(bytes).chain(stream::pending()))),
        Script::Silence | Script::Held(..) => std::future::pending().await,
    }
}
