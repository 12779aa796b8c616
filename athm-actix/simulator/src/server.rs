//! The server: a thread of its own, so that it runs under any runtime, or none.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::{io, thread};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, rt, web};
use tokio::sync::{oneshot, watch};

use crate::shared::Shared;
use crate::{SimulatorError, control, endpoints, guard, pages, webhooks};

pub(crate) struct Server {
    url: String,
    handle: ServerHandle,
    /// Its sender lives in the server's thread, and nothing is ever sent: it closes when the thread is done.
    ended: watch::Receiver<()>,
}

impl Server {
    pub(crate) async fn start(port: u16, shared: Arc<Shared>) -> Result<Self, SimulatorError> {
        // Loopback, and nothing else: whoever reaches the simulator can approve payments.
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| SimulatorError::Bind { port, source })?;
        let address = listener.local_addr().map_err(|source| SimulatorError::Bind { port, source })?;

        let (started, start) = oneshot::channel();
        let (alive, ended) = watch::channel(());
        thread::Builder::new()
            .name(String::from("athm-simulator"))
            .spawn(move || {
                let _alive = alive;
                rt::System::new().block_on(run(listener, shared, started));
            })
            .map_err(|source| SimulatorError::Start { source })?;

        let gone = |_| SimulatorError::Start { source: io::Error::other("its thread ended before it was up") };
        let handle = start.await.map_err(gone)?.map_err(|source| SimulatorError::Start { source })?;
        Ok(Self { url: format!("http://{address}"), handle, ended })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn stop(&self) {
        self.handle.stop(false).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The command is sent by the call itself; the future only waits for its end.
        drop(self.handle.stop(false));
    }
}

async fn run(listener: TcpListener, shared: Arc<Shared>, started: oneshot::Sender<io::Result<ServerHandle>>) {
    match webhooks::client() {
        // It ends with the thread.
        Ok(client) => drop(rt::spawn(webhooks::run(Arc::clone(&shared), client))),
        Err(error) => {
            let _ = started.send(Err(io::Error::other(error)));
            return;
        }
    }
    let shared = web::Data::from(shared);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .configure(endpoints::configure)
            .configure(control::configure)
            .configure(pages::configure)
            .default_service(web::to(control::not_found))
            .wrap(from_fn(guard::guard))
    })
    .workers(1)
    .disable_signals()
    .listen(listener);

    match server.map(HttpServer::run) {
        Ok(server) => {
            // When nobody waits for the start any more, the server is dropped before it accepts anything.
            if started.send(Ok(server.handle())).is_ok()
                && let Err(error) = server.await
            {
                tracing::error!(error = &error as &dyn std::error::Error, "the simulator's server has failed");
            }
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}
