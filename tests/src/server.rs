//! The service on a loopback port, as any sender reaches it.

use std::net::SocketAddr;
use std::sync::mpsc;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Condition, Logger};
use actix_web::{App, HttpServer};
use athm_actix::Scope;
use athm_core::Athm;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{WAIT_TIMEOUT, http_client, secrecy};

/// `athm_actix::scope("/athm", …)`, server over TCP on loopback until it is dropped.
pub struct TestServer {
    address: SocketAddr,
    handle: ServerHandle,
    client: reqwest::Client,
}

impl TestServer {
    /// Serves it with an access log.
    #[must_use]
    pub fn start(athm: &Athm) -> Self {
        Self::start_with(athm, true, |scope| scope)
    }

    /// Serves it with the scope adapted. An access log contains every path.
    pub fn start_with(athm: &Athm, has_access_log: bool, adapt: fn(Scope) -> Scope) -> Self {
        let athm = athm.clone();
        let (sender, started) = mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .wrap(Condition::new(has_access_log, Logger::default()))
                        .service(adapt(athm_actix::scope("/athm", &athm)))
                });
                let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a free port");
                let address = server.addrs()[0];
                let server = server.run();
                sender.send((address, server.handle())).expect("the test waits");
                server.await.expect("it serves");
            });
        });
        let (address, handle) = started.recv().expect("it starts");
        Self { address, handle, client: http_client() }
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A GET request to that path.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// A POST request to that path.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Sends a request and returns the status and the JSON of the answer, which must contain no secret or personal data.
    pub async fn answer(&self, request: RequestBuilder) -> (u16, Value) {
        let response = request.send().await.expect("an answer");
        let (status, body) = (response.status().as_u16(), text(response).await);
        assert_eq!(secrecy::find_leak(&body), None, "{body}");
        assert!(body.len() < 1000, "{body}");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// A POST request with these fields of a form.
    pub fn post_fields(&self, path: &str, fields: &[(&'static str, String)]) -> RequestBuilder {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(path).header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Posts JSON.
    pub async fn json(&self, path: &str, body: &Value) -> (u16, Value) {
        self.answer(self.post(path).json(body)).await
    }

    /// Posts a form as it is written.
    pub async fn form(&self, path: &str, body: impl Into<String>) -> (u16, Value) {
        let request = self.post(path).header("content-type", "application/x-www-form-urlencoded");
        self.answer(request.body(body.into())).await
    }

    /// Sends these bytes and returns the answer until the service closes the connection.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        self.raw_until(bytes, |_| false).await
    }

    /// Sends these bytes and nothing more, and returns the first answer, even if the service waits for the rest.
    pub async fn unfinished(&self, bytes: &[u8]) -> String {
        self.raw_until(bytes, is_whole).await
    }

    async fn raw_until(&self, bytes: &[u8], is_enough: fn(&str) -> bool) -> String {
        let mut connection = TcpStream::connect(self.address).await.expect("it listens");
        // The service may answer, and hang up, before it has read everything.
        let _ = connection.write_all(bytes).await;
        let mut answer = Vec::new();
        let reading = tokio::time::timeout(WAIT_TIMEOUT, async {
            while !is_enough(&String::from_utf8_lossy(&answer))
                && connection.read_buf(&mut answer).await.unwrap_or(0) > 0
            {}
        });
        let read = reading.await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(read.is_ok(), "it still waits after {answer:?}");
        assert_eq!(secrecy::find_leak(&answer), None, "{answer}");
        answer
    }
}

/// Whether an answer's body is as long as its head says.
fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // The call itself sends the command; the future only waits for its end.
        drop(self.handle.stop(false));
    }
}

async fn text(response: Response) -> String {
    response.text().await.expect("the answer's end")
}
